import type { Results } from './result.ts';
import { withRig } from './rig.ts';

/** (e) How many items succeed on a provider that fails in a fifth of its calls? */
export async function benchFaultMix(results: Results, items = 500): Promise<void> {
  const faults = 'text_only=0.1,rate_limited=0.05,unavailable=0.03,cut=0.01,retry_delay_ms=1000';
  await withRig({ emulator: { latencyMs: 200, faults } }, async (rig) => {
    const { summary, wallMs } = await rig.runBatch({ items, concurrency: 20 });
    results.add('e', 'succeeded / items', summary.counts.succeeded / items, '', { atLeast: 0.99 });
    results.add('e', 'wall, submit to close', wallMs / 1_000, 's');
  });
}
