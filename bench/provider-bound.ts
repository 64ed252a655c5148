import type { Results } from './result.ts';
import { withRig } from './rig.ts';

/** (a) When the provider is what takes time, how much do we add to it? */
export async function benchProviderBound(results: Results, items = 500): Promise<void> {
  const latencyMs = 2_000;
  const concurrency = 20;
  await withRig({ emulator: { latencyMs } }, async (rig) => {
    await rig.runBatch({ items: concurrency, concurrency });
    const { wallMs, summary } = await rig.runBatch({ items, concurrency });
    const idealMs = Math.ceil(items / concurrency) * latencyMs;
    results.add('a', 'succeeded', summary.counts.succeeded, `of ${items}`, { atLeast: items });
    results.add('a', 'ideal wall', idealMs / 1_000, 's');
    results.add('a', 'wall, submit to close', wallMs / 1_000, 's');
    results.add('a', 'wall / ideal', wallMs / idealMs, '', { atMost: 1.05 });
  });
}
