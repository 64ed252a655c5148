import { describe, expect, test } from 'vitest';
import { readBudgets, readCosts, setBudgets } from '../../client/ledger.ts';
import type { CostGroup } from '../../domain/cost-groups.ts';
import { textPricedModel } from '../support/namespace.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { rig: newRig, flow: newFlow, writer: newWriter } = useFlows();

/** What a project spent, by what is asked. */
async function spentBy(rig: Rig, project: string, by: CostGroup) {
  const { rows: found } = await readCosts(rig.space.directory, { by, project });
  return found;
}

describe.concurrent('the ledger', () => {
  test('has every call of a batch at its true cost, those that failed too, and none twice', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'textual', fault: 'text_only', times: 1 }] } });
    await rig.submit(rows(4, { 2: 'textual' }), { spec: { project: 'counted' } });
    const { costUsd } = await rig.summary();
    expect(costUsd).toBeCloseTo(0.4);
    expect(await spentBy(rig, 'counted', 'batch')).toMatchObject([
      { key: rig.batchId, mode: 'emulated', calls: 5, images: 4, cost_usd: 0.4, presumed_usd: 0 },
    ]);
    expect(await spentBy(rig, 'counted', 'model')).toMatchObject([{ key: rig.model }]);
    expect(rig.model).not.toBe(textPricedModel);
  });
});

describe.concurrent('a budget of a batch', () => {
  /** Two calls an item, each of about a dime: ten times what is expected of it. */
  const twoSteps = (model: string) => ({
    steps: ['one', 'two'].map((id) => ({
      id,
      uses: 'text' as const,
      model: { rule: 'fixed' as const, models: [model] },
      with: { prompt: `${id} {{ item.prompt }}`, expected_tokens: 10 },
    })),
  });

  test('holds for every call of items that cost more than expected; raised, they go on between their steps', async () => {
    const writer = await newWriter({ words: 75, latencyMs: 30 });
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    const limits = { concurrency: 3, budgetUsd: 0.65 };
    await submit({ items: rows(6), spec: { project: 'capped', limits } });
    const { pause } = await rig.untilPaused();
    expect(pause).toMatchObject({
      kind: 'budget',
      reason: expect.stringMatching(/^Budget of the batch reached: \$0\.\d+ of \$0\.65 spent, the next call costs/),
      action: 'Raise it with: sluice batch resume --budget USD. Or cancel the batch.',
    });
    const [stopped] = await spentBy(rig, 'capped', 'batch');
    const calls = writer.prompts.length;
    const perCall = (stopped?.cost_usd ?? 0) / calls;
    expect(stopped).toMatchObject({ key: rig.batchId, calls });
    // One call less would not have reached it, but for those that were under way.
    expect(stopped?.cost_usd).toBeLessThanOrEqual(limits.budgetUsd + limits.concurrency * perCall);
    expect(calls).toBeLessThan(12);

    await rig.batch.setLimits({ budgetUsd: null });
    await rig.batch.signal('resume');
    const { counts, costUsd } = await rig.summary();
    expect(counts).toMatchObject({ succeeded: 6, failed: 0 });
    expect(writer.prompts.toSorted()).toEqual(
      rows(6)
        .flatMap(({ prompt }) => [`one ${prompt}`, `two ${prompt}`])
        .toSorted(),
    );
    expect((await spentBy(rig, 'capped', 'batch'))[0]?.cost_usd).toBeCloseTo(costUsd, 5);
    // Rows have what was spent before the pause, too.
    const found = rig.results();
    expect(found.reduce((sum, row) => sum + row.cost_usd, 0)).toBeCloseTo(costUsd, 5);
    for (const row of found) {
      expect(row).toMatchObject({
        calls: 2,
        steps: [
          { id: 'one', calls: 1 },
          { id: 'two', calls: 1 },
        ],
      });
      expect(row.steps?.every(({ runs, reused }) => runs === 1 && reused === undefined)).toBe(true);
    }
  });

  test('that is lowered holds from the next call on, also of items that run', async () => {
    const writer = await newWriter({ words: 75, faults: { rules: [{ prompt: '^one', fault: 'hang', times: 1 }] } });
    const { rig, submit } = await newFlow(twoSteps(writer.model));
    await submit({ spec: { limits: { budgetUsd: 10 } } });
    await rig.until(() => writer.prompts.length === 1);
    await rig.batch.setLimits({ budgetUsd: 0.05 });
    await writer.emulate({ words: 75 });
    const { pause } = await rig.untilPaused();
    expect(pause?.reason).toMatch(/^Budget of the batch reached: \$0\.\d+ of \$0\.05 spent/);
    expect(writer.prompts).toEqual(['one picture 1']);
    await rig.batch.signal('cancel');
    await rig.summary();
  });
});

describe.concurrent('a budget of a project', () => {
  test('pauses all its batches together before it is exceeded; raised, they go on and pay for nothing twice', async () => {
    const first = await newRig({ latencyMs: 100 });
    const second = await newRig({ latencyMs: 100 });
    const home = first.space.directory;
    await setBudgets(home, { project: { name: 'shared', total_usd: 1.05 } });
    const spec = { project: 'shared', limits: { concurrency: 4 } };
    await Promise.all([first.submit(rows(10), { spec }), second.submit(rows(10), { spec })]);
    const [progress] = await Promise.all([first.untilPaused(), second.untilPaused()]);
    expect(progress.pause).toMatchObject({
      kind: 'budget',
      reason: 'Budget of project shared reached: $1.00 of $1.05 spent, the next call costs about $0.10',
      action: 'Raise it with: sluice budget set. Then resume the batch, or cancel it.',
    });
    expect(progress.counts.failed).toBe(0);
    expect(first.calls().length + second.calls().length).toBe(10);
    const { emulated } = await readBudgets(home);
    expect(emulated).toContainEqual({
      project: 'shared',
      period: 'total',
      limitUsd: 1.05,
      spentUsd: 1,
      reservedUsd: 0,
    });

    await setBudgets(home, { project: { name: 'shared', total_usd: null } });
    await Promise.all([first.batch.signal('resume'), second.batch.signal('resume')]);
    const [one, other] = await Promise.all([first.summary(), second.summary()]);
    expect([one.counts.succeeded, other.counts.succeeded]).toEqual([10, 10]);
    expect(first.calls().length + second.calls().length).toBe(20);
  });

  test('of the day pauses until midnight of UTC where the batch is to go on by itself', async () => {
    const rig = await newRig();
    await setBudgets(rig.space.directory, { project: { name: 'daily', day_usd: 0.05 } });
    await rig.submit(rows(5), { spec: { project: 'daily', resumeNextDay: true } });
    const { pause, counts } = await rig.untilPaused();
    expect(counts).toMatchObject({ succeeded: 0, failed: 0, pending: 5 });
    expect(pause).toMatchObject({ kind: 'budget', until: expect.stringMatching(/T00:00:02\.000Z$/) });
    await rig.batch.signal('cancel');
    await rig.summary();
  });
});
