import { createLogUpdate } from 'log-update';
import type { BatchReport } from '../../client/batch-report.ts';
import type { Sluice } from '../../client/sluice.ts';
import type { BatchProgress } from '../../domain/batch.ts';
import type { ResultRow } from '../../domain/result.ts';
import { exitStatus, exitStatusOfBatch } from '../exit-status.ts';
import { notice, print, printJson } from '../output.ts';
import { doneOf, RateMeter, renderBlock, renderLine } from '../render/progress.ts';
import { nextStep, renderSummary } from '../render/summary.ts';

export interface FollowOptions {
  fromRow: number;
  json: boolean;
  verbose: boolean;
}

/** How often a pipe gets a line when nothing special happens, milliseconds. */
const lineEveryMs = 10_000;

/**
 * Shows a batch until it has closed, is paused with nothing running, or the person leaves with Ctrl-C,
 * which leaves the batch running. Returns the exit status.
 */
export async function follow(sluice: Sluice, batchId: string, options: FollowOptions): Promise<number> {
  const leave = new AbortController();
  const onInterrupt = (): void => {
    leave.abort();
  };
  // `on`, not `once`: a second Ctrl-C must not kill us while we say goodbye.
  process.on('SIGINT', onInterrupt);
  const view = createView(options);
  try {
    const results = sluice.watch(batchId, {
      signal: leave.signal,
      fromRow: options.fromRow,
      onProgress: (progress) => {
        view.progress(progress);
        if (progress.status === 'paused' && progress.counts.running === 0) leave.abort('paused');
      },
    });
    for await (const row of results) view.result(row);
  } catch (error) {
    if (!leave.signal.aborted) throw error;
  } finally {
    view.end();
    process.off('SIGINT', onInterrupt);
  }
  if (leave.signal.aborted && leave.signal.reason !== 'paused') {
    notice(`Detached; batch ${batchId} goes on. Come back with: sluice batch watch ${batchId}`);
    return exitStatus.error;
  }
  const report = await sluice.status(batchId);
  showReport(report, options.json);
  return exitStatusOfBatch(report);
}

export function showReport(report: BatchReport, json: boolean): void {
  if (json) {
    printJson(report);
    return;
  }
  print(renderSummary(report));
  const next = nextStep(report);
  if (next !== null) print(next);
}

interface View {
  progress(progress: BatchProgress): void;
  result(row: ResultRow): void;
  end(): void;
}

function createView({ json, verbose }: FollowOptions): View {
  const terminal = !json && process.stderr.isTTY;
  const live = terminal ? createLogUpdate(process.stderr) : null;
  const meter = new RateMeter();
  let shownAtMs = 0;
  let shownStatus = '';
  let noticesSeen = 0;
  const say = (line: string): void => {
    live?.clear();
    notice(line);
  };
  return {
    progress(progress) {
      const nowMs = Date.now();
      meter.add(nowMs, doneOf(progress));
      for (const { level, message } of progress.notices.slice(noticesSeen)) say(`${level}: ${message}`);
      noticesSeen = Math.max(noticesSeen, progress.notices.length);
      if (live !== null) {
        live(renderBlock(progress, meter.perMinute, nowMs, process.stderr.columns || 100));
      } else if (!json && (nowMs - shownAtMs >= lineEveryMs || progress.status !== shownStatus)) {
        shownAtMs = nowMs;
        shownStatus = progress.status;
        notice(renderLine(progress, meter.perMinute));
      }
    },
    result(row) {
      if (row.status === 'failed') say(`failed: ${row.request_id}: ${row.error_code ?? ''}: ${row.error_message ?? ''}`);
      else if (verbose && row.status === 'succeeded') {
        say(`done: ${row.output_path ?? ''} (${row.model}, ${row.processing_time_seconds.toFixed(1)} s)`);
      }
    },
    end() {
      live?.clear();
      live?.done();
    },
  };
}
