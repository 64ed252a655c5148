import { readCallLog } from '../emulators/shared/call-log.ts';
import type { Results } from './result.ts';
import { benchModel, withRig } from './rig.ts';

const rpm = 300;

/**
 * (b) How much of a limit of requests a minute is used, and does any call run into it? The emulator
 * counts arrivals in a rolling minute of its own and answers 429 beyond the limit.
 *
 * Used is told in two ways, both from the emulator's call log. `in whole windows`: arrivals in the first
 * `minutes` minutes from the first arrival on, by what the limit allows in them. `pace`: a limit that is
 * used in full makes call n + 300·minutes arrive exactly `minutes` minutes after call n; the mean of how
 * near each came. The first forgives lateness within a window, the second nothing.
 */
export async function benchRateLimit(results: Results, items = 1_200): Promise<void> {
  const minutes = Math.floor((items - 1) / rpm);
  await withRig(
    { emulator: { latencyMs: 500, rpm }, limits: { [benchModel]: { requests_per_minute: rpm } } },
    async (rig) => {
      const { summary, wallMs } = await rig.runBatch({ items, concurrency: 50 });
      const calls = readCallLog(rig.callLog());
      const arrivals = calls.map(({ at }) => at);
      const first = arrivals[0] ?? 0;
      const inWindows = arrivals.filter((at) => at < first + minutes * 60_000).length;
      const paces = arrivals.slice(minutes * rpm).map((at, n) => (minutes * 60_000) / (at - (arrivals[n] ?? 0)));
      const refused = calls.filter(({ status }) => status === 429).length;
      results.add('b', 'succeeded', summary.counts.succeeded, `of ${items}`, { atLeast: items });
      results.add('b', 'wall, submit to close', wallMs / 1_000, 's');
      results.add('b', `used of the limit, ${minutes} whole windows`, inWindows / (rpm * minutes), '', {
        atLeast: 0.98,
      });
      results.add('b', `used of the limit, pace over ${minutes} min`, mean(paces), '', { atLeast: 0.98 });
      results.add('b', 'calls answered 429', refused, '', { atMost: 0 });
    },
  );
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
