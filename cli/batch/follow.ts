import type { BatchReport } from '../../client/batch-report.ts';
import type { Sluice } from '../../client/sluice.ts';
import type { BatchProgress } from '../../domain/batch.ts';
import { findFlow, usesComfy } from '../../domain/flow.ts';
import { exitStatus, exitStatusOfBatch } from '../exit-status.ts';
import { notice, print, printJson } from '../output.ts';
import { nextStep, renderSummary } from '../render/summary.ts';
import { createView, type View } from './view.ts';

export interface FollowOptions {
  /** Sequence number of the first result to tell of; `now`: those from now on. */
  fromRow: number | 'now';
  json: boolean;
  verbose: boolean;
}

/**
 * Shows a batch until it has closed, is paused with nothing running, or the person leaves with Ctrl-C,
 * which leaves the batch running. Returns the exit status.
 */
export async function follow(sluice: Sluice, batchId: string, options: FollowOptions): Promise<number> {
  const leave = new AbortController();
  // Stays until the process ends: a second Ctrl-C must not kill us while we say goodbye.
  process.on('SIGINT', () => {
    leave.abort('detached');
  });
  const view = await createView(options.verbose);
  const showPrompts = createPromptLook(sluice, batchId, view);
  try {
    const results = sluice.watch(batchId, {
      signal: leave.signal,
      fromRow: options.fromRow,
      onProgress: (progress) => {
        showPrompts(progress);
        view.progress(progress);
        // It goes on only when a person says so: then nobody need follow it.
        const held = progress.status === 'paused' || progress.status === 'waiting';
        if (held && progress.counts.running === 0) leave.abort('held');
      },
    });
    for await (const row of results) view.result(row);
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  } finally {
    view.end();
  }
  const detached = leave.signal.reason === 'detached';
  if (detached) notice(`Detached; batch ${batchId} goes on. Come back with: sluice batch watch ${batchId}`);
  if (detached && !options.json) return exitStatus.error;
  const report = await sluice.status(batchId);
  showReport(report, options.json);
  return exitStatusOfBatch(report);
}

/** Brings the prompts on GPUs to the view, at most once a second and without holding up the rest. */
function createPromptLook(sluice: Sluice, batchId: string, view: View): (progress: BatchProgress) => void {
  let nextMs = 0;
  return (progress) => {
    const flow = findFlow(progress.flow);
    if (!view.showsPrompts || flow === undefined || !usesComfy(flow) || Date.now() < nextMs) return;
    nextMs = Infinity;
    void sluice
      .promptsUnderWay(batchId, progress)
      .then(
        (prompts) => {
          view.prompts(prompts);
        },
        // A look that fails is made again; that the engine does not answer is told by the batch's own progress.
        () => undefined,
      )
      .finally(() => {
        nextMs = Date.now() + 1_000;
      });
  };
}

/** Prints how a batch stands: one JSON object, or the summary and what to do next. */
export function showReport(report: BatchReport, json: boolean): void {
  if (json) {
    printJson(report);
    return;
  }
  print(renderSummary(report));
  const next = nextStep(report);
  if (next !== null) print(next);
}
