import { setTimeout as delay } from 'node:timers/promises';
import { readCallLog } from '../../emulators/shared/call-log.ts';
import type { Results } from '../result.ts';
import { withRig, type Rig } from '../rig.ts';
import { latencyMs, submitChapters, writers } from './chapters.ts';

const rpm = 600;
/** Of the last writer: what it writes of 1,000 chapters takes over three minutes, and no other limit binds before. */
const tpm = 30_000;
const minuteMs = 60_000;

/**
 * 1,000 chapters, each written and judged, by three models of 600 requests a minute, one of which has a limit of
 * tokens that binds before all others: how near does the batch come to what that limit allows? The emulators hold
 * the same limits in a rolling minute of their own and answer 429 beyond them.
 *
 * `in whole windows`: tokens of the calls that arrived in whole minutes from the first arrival on, by the limit.
 * `bound / wall`: the time that all its tokens take at the limit, by that from submission to close. It can be over 1:
 * the first minute's tokens need not be waited for.
 */
export async function benchThroughput(results: Results, chapters: number): Promise<void> {
  const limits = { requests_per_minute: rpm };
  const [first, second, third] = writers;
  await withRig(
    {
      emulator: { latencyMs, rpm },
      others: { openai: { latencyMs, rpm }, anthropic: { latencyMs, rpm, tpm } },
      limits: { [first]: limits, [second]: limits, [third]: { ...limits, tokens_per_minute: tpm } },
    },
    async (rig) => {
      const startedAt = performance.now();
      const { batchId } = await submitChapters(rig, 'chapter', chapters, {});
      const peaks = await workerPeaks(rig, batchId, chapters);
      const wallMs = performance.now() - startedAt;
      const { succeeded } = await rig.sluice.status(batchId);
      const calls = (['gemini', 'openai', 'anthropic'] as const).map((vendor) => readCallLog(rig.callLog(vendor)));
      const bound = calls[2] ?? [];
      const tokens = await tokensOf(rig, third);
      const arrivals = bound.map(({ at }) => at);
      const [from = 0, until = 0] = [arrivals[0], arrivals.at(-1)];
      const minutes = Math.floor((until - from) / minuteMs);
      const inWindows = arrivals.filter((at) => at < from + minutes * minuteMs).length / arrivals.length;
      const refused = calls.flat().filter(({ status }) => status === 429).length;
      const add = (metric: string, value: number, unit: string, target = {}): void => {
        results.add('flows', `${String(chapters)} chapters: ${metric}`, value, unit, target);
      };
      add('succeeded', succeeded, '', { atLeast: chapters });
      add('calls', calls.flat().length, '', { atMost: 2 * chapters });
      add('calls answered 429', refused, '', { atMost: 0 });
      add('wall, submit to close', wallMs / 1_000, 's');
      const used = (tokens * inWindows) / (tpm * minutes);
      // Fewer chapters than a limit bounds for a minute tell nothing of it.
      if (minutes > 0) {
        add(`used of the limit of tokens, ${String(minutes)} whole windows`, used, '', { atLeast: 0.95 });
      }
      add('bound / wall', ((tokens / tpm) * minuteMs) / wallMs, '', { atLeast: 0.95 });
      add('calls a minute of all models', (calls.flat().length / wallMs) * minuteMs, '');
      add('worker memory, peak after the first third', peaks.later, 'MiB');
      add('worker memory, peak after by peak in the first third', peaks.later / peaks.first, '', { atMost: 1.2 });
    },
  );
}

/** Waits for the end of a batch; what the worker took at most, in the first third of its items and after it, MiB. */
async function workerPeaks(rig: Rig, batchId: string, items: number): Promise<{ first: number; later: number }> {
  const { worker } = rig.meters;
  worker.resetPeak();
  let first: number | null = null;
  for (;;) {
    const { status, succeeded, failed } = await rig.sluice.status(batchId);
    if (first === null && succeeded + failed >= items / 3) {
      first = worker.peakMiB();
      worker.resetPeak();
    }
    if (status !== 'running') return { first: first ?? worker.peakMiB(), later: worker.peakMiB() };
    await delay(500);
  }
}

/** All that a model's calls used, as its vendor told. */
async function tokensOf({ sluice }: Rig, model: string): Promise<number> {
  const { rows } = await sluice.money.costs({ by: 'model' });
  const ofModel = rows.filter(({ key }) => key.includes(model));
  return ofModel.reduce((sum, row) => sum + row.input_tokens + row.output_tokens, 0);
}
