import { setTimeout as delay } from 'node:timers/promises';
import type { Results } from '../result.ts';
import { settled, withRig, type Rig } from '../rig.ts';
import { concurrency, latencyMs, submitChapters } from './chapters.ts';

const budgetUsd = 5;
const chapters = 600;

/** A batch that would cost about three times its budget: by how much is that exceeded when it has paused? */
export async function benchBudget(results: Results): Promise<void> {
  const model = 'gemini-2.5-pro';
  await withRig({ emulator: { latencyMs }, limits: { [model]: {} } }, async (rig) => {
    const spec = { model, parameters: { words: 1_500 }, limits: { budgetUsd } };
    const { batchId } = await submitChapters(rig, 'chapter', chapters, spec);
    while ((await rig.sluice.status(batchId)).status === 'running') await delay(200);
    const { calls, spentUsd } = await untilStill(rig);
    const { status, paused_reason: reason } = await rig.sluice.status(batchId);
    const inFlightUsd = (concurrency * spentUsd) / calls;
    results.add(
      'flows',
      'budget of 5 USD: paused with the reason',
      status === 'paused' && reason !== null ? 1 : 0,
      '',
      {
        atLeast: 1,
      },
    );
    results.add('flows', 'budget of 5 USD: spent', spentUsd, 'USD');
    results.add('flows', 'budget of 5 USD: one set in flight, 50 calls', inFlightUsd, 'USD');
    results.add(
      'flows',
      'budget of 5 USD: spent beyond it, by one set in flight',
      (spentUsd - budgetUsd) / inFlightUsd,
      '',
      {
        atMost: 1,
      },
    );
    await rig.sluice.cancel(batchId);
  });
}

/** What was spent in all, once calls that were under way have ended. */
async function untilStill({ sluice }: Rig): Promise<{ calls: number; spentUsd: number }> {
  for (let before = -1; ;) {
    const { total } = await sluice.money.costs();
    if (total.calls === before) return { calls: total.calls, spentUsd: total.cost_usd };
    before = total.calls;
    await delay(2 * latencyMs);
    await settled();
  }
}
