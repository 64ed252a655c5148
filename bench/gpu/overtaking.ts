import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../emulators/shared/clock.ts';
import type { Results } from '../result.ts';
import { batchSize, promptsOf, startsOf, withGpus } from './rig.ts';

/** LOW prompts between two URGENT ones, at least. */
const between = 3;
/** LOW prompts, more than are done meanwhile; the rest is cancelled. */
const endless = 1_000;

/**
 * How many LOW prompts still start once an URGENT one was submitted? A LOW batch fills the GPU; URGENT batches of
 * one prompt come at different moments of a LOW prompt. Counted are LOW prompts that start after the call of
 * `Sluice.generate` and before the URGENT prompt does.
 */
export async function benchGpuOvertaking(results: Results, trials = 5): Promise<void> {
  await withGpus(1, async (rig) => {
    const prompts = ['pixel art knight'];
    const low = await rig.sluice.generate({
      prompts,
      count: endless * batchSize,
      batchSize,
      priority: 'low',
      output: rig.newOutput(),
    });
    const overtaken: number[] = [];
    const waitedMs: number[] = [];
    for (let trial = 0; trial < trials; trial += 1) {
      const since = now();
      await rig.untilStarted((starts) => starts.filter(({ at }) => at > since)[between - 1]);
      await sleep((trial / trials) * 1_500);
      const output = rig.newOutput();
      const submittedAt = now();
      const urgent = await rig.sluice.generate({ prompts, count: batchSize, batchSize, priority: 'urgent', output });
      await rig.finish(urgent.submission.batchId);
      const own = promptsOf(output);
      const starts = startsOf(rig.rows()).filter(({ at }) => at >= submittedAt);
      const place = starts.findIndex(({ prompt_id }) => own.has(prompt_id));
      const start = starts[place];
      if (start === undefined) throw new Error('The URGENT batch ran no prompt.');
      overtaken.push(place);
      waitedMs.push(start.at - submittedAt);
    }
    await rig.sluice.cancel(low.submission.batchId);
    await rig.finish(low.submission.batchId);
    results.add('gpu', `LOW prompts before an URGENT one, most of ${String(trials)}`, Math.max(...overtaken), '', {
      atMost: 2,
    });
    results.add('gpu', 'URGENT: submit to start, longest', Math.max(...waitedMs), 'ms');
  });
}
