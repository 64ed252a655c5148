import type { PromptUnderWay } from '../../client/prompts-under-way.ts';
import type { BatchProgress } from '../../domain/batch.ts';
import type { ResultRow } from '../../domain/result.ts';
import { notice } from '../output.ts';
import { doneOf, RateMeter, renderBlock, renderLine } from '../render/progress.ts';

/** How often a pipe gets a line when nothing special happens, milliseconds. */
const lineEveryMs = 10_000;

/** What a person sees of a batch on standard error: a live block in a terminal, plain lines elsewhere. */
export interface View {
  progress(progress: BatchProgress): void;
  result(row: ResultRow): void;
  /** Whether it shows the prompts under way. */
  readonly showsPrompts: boolean;
  /** Shown with the next progress. */
  prompts(prompts: readonly PromptUnderWay[]): void;
  end(): void;
}

/** @param verbose tell of every item, not only of those that failed */
export async function createView(verbose: boolean): Promise<View> {
  const live = process.stderr.isTTY ? (await import('log-update')).createLogUpdate(process.stderr) : null;
  const meter = new RateMeter();
  let shownAtMs = 0;
  let shownStatus = '';
  let toldUntil: string | null = null;
  let onGpus: readonly PromptUnderWay[] = [];
  const say = (line: string): void => {
    live?.clear();
    notice(line);
  };
  return {
    progress(progress) {
      const nowMs = Date.now();
      meter.add(nowMs, doneOf(progress));
      // Only the latest notices are kept, so they are told apart by time, not by place.
      for (const { at, level, message } of progress.notices) {
        if (toldUntil !== null && at <= toldUntil) continue;
        say(`${level}: ${message}`);
      }
      toldUntil = progress.notices.at(-1)?.at ?? toldUntil;
      if (live !== null) {
        live(renderBlock(progress, meter.perMinute, nowMs, process.stderr.columns || 100, onGpus));
      } else if (nowMs - shownAtMs >= lineEveryMs || progress.status !== shownStatus) {
        shownAtMs = nowMs;
        shownStatus = progress.status;
        notice(renderLine(progress, meter.perMinute));
      }
    },
    result(row) {
      if (row.status === 'failed') {
        say(`failed: ${row.request_id}: ${row.error_code ?? ''}: ${row.error_message ?? ''}`);
      } else if (verbose && row.status === 'succeeded') {
        say(`done: ${row.output_path ?? ''} (${row.model}, ${row.processing_time_seconds.toFixed(1)} s)`);
      }
    },
    showsPrompts: live !== null,
    prompts(prompts) {
      onGpus = prompts;
    },
    end() {
      live?.clear();
      live?.done();
    },
  };
}
