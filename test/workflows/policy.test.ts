import { describe, expect, test } from 'vitest';
import { modelLoads } from '../../client/model-loads.ts';
import { eventually } from '../support/eventually.ts';
import { rows } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig } = useNamespace();
const refused = { rules: [{ prompt: '^bad', fault: 'safety' as const }] };
const bad = (...numbers: number[]): Record<number, string> =>
  Object.fromEntries(numbers.map((number) => [number, `bad ${String(number)}`]));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, place) => place + 1);

describe.concurrent('the failure policy', () => {
  test('pauses when more than half of the last items failed, and looks at newer ones after a resume', async () => {
    const rig = await newRig({ faults: refused });
    await rig.submit(rows(40, bad(...upTo(40))), { spec: { limits: { concurrency: 2 } } });
    const paused = await rig.untilPaused();
    expect(paused.pause?.kind).toBe('failure_rate');
    expect(paused.pause?.reason).toMatch(/^High failure rate: 10 of the last 10 items failed/);
    expect(paused.notices).toMatchObject([{ level: 'escalation', message: paused.pause?.reason }]);
    // Ten, and at most one window (2 × concurrency) that was under way or next.
    expect(rig.calls().length).toBeLessThanOrEqual(14);

    await rig.batch.signal('resume');
    const again = await rig.until(({ pause, counts }) => pause !== null && counts.failed >= 20);
    expect(again.counts.failed).toBeLessThanOrEqual(28);
    await rig.batch.signal('cancel');
    expect(await rig.summary()).toMatchObject({ status: 'cancelled' });
  });

  test('gives one notice when between a fifth and a half failed, and goes on', async () => {
    const rig = await newRig({ faults: refused });
    await rig.submit(rows(20, bad(2, 4, 6)), { spec: { limits: { concurrency: 1 } } });
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'failed', counts: { succeeded: 17, failed: 3 } });
    expect(summary.notices).toMatchObject([{ level: 'notice' }]);
    expect(summary.notices[0]?.message).toMatch(/^Elevated failure rate: 3 of the last 10 items failed/);
  });

  test('pauses when more items failed than are tolerated; a resume grants as many again', async () => {
    const rig = await newRig({ faults: refused });
    await rig.submit(rows(12, bad(1, 2, 5, 7)), {
      spec: { limits: { concurrency: 1, toleratedFailure: { count: 1 } } },
    });
    const paused = await rig.untilPaused();
    expect(paused.pause).toMatchObject({
      kind: 'tolerated_failure',
      reason: 'Tolerated failure exceeded: 2 items failed, 1 tolerated.',
    });
    expect(rig.calls()).toHaveLength(2);
    await rig.batch.signal('resume');
    const again = await rig.until(({ pause, counts }) => pause !== null && counts.failed === 4);
    expect(again.pause?.kind).toBe('tolerated_failure');
    await rig.batch.signal('resume');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 8, failed: 4 });
  });

  test('pauses when a larger share failed than is tolerated', async () => {
    const rig = await newRig({ faults: refused });
    await rig.submit(rows(9, bad(2)), {
      spec: { limits: { concurrency: 1, toleratedFailure: { percent: 10, minSample: 4 } } },
    });
    const paused = await rig.untilPaused();
    expect(paused.pause?.reason).toMatch(/^Tolerated failure exceeded: 1 of 4 items failed/);
    await rig.batch.setLimits({ toleratedFailure: { count: null, percent: 50, minSample: 4 } });
    await rig.batch.signal('resume');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 8, failed: 1 });
  });

  test('with error_policy stop ends at the first failure', async () => {
    const rig = await newRig({ faults: refused });
    await rig.submit(rows(10, bad(3)), { spec: { errorPolicy: 'stop', limits: { concurrency: 1 } } });
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'failed', counts: { succeeded: 2, failed: 1, cancelled: 7, pending: 0 } });
    expect(summary.notices).toMatchObject([{ level: 'escalation' }]);
    expect(rig.calls()).toHaveLength(3);
  });

  test('with nothing left to start tells of the failures and closes', async () => {
    const rig = await newRig({ faults: refused });
    await rig.submit(rows(10, bad(...upTo(10))), { spec: { limits: { concurrency: 10 } } });
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'failed', counts: { failed: 10 } });
    expect(summary.notices).toMatchObject([{ level: 'escalation' }]);
  });
});

describe.concurrent('the budget', () => {
  test('is never overstepped, and a larger one lets the batch go on', async () => {
    const rig = await newRig({ latencyMs: 60 });
    await rig.submit(rows(9), { spec: { limits: { concurrency: 5, budgetUsd: 0.35 } } });
    const paused = await rig.untilPaused();
    expect(paused.pause?.kind).toBe('budget');
    expect(paused.pause?.reason).toMatch(/^Budget reached: 0\.3000 of 0\.35 USD spent/);
    expect(paused.costUsd).toBeCloseTo(0.3, 6);
    expect(rig.calls()).toHaveLength(3);

    await rig.batch.setLimits({ budgetUsd: 0.5 });
    await rig.batch.signal('resume');
    await rig.until(({ pause, counts }) => pause?.kind === 'budget' && counts.succeeded === 5);
    await rig.batch.setLimits({ budgetUsd: null });
    await rig.batch.signal('resume');
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { succeeded: 9 } });
    expect(summary.costUsd).toBeCloseTo(0.9, 6);
    expect(rig.calls()).toHaveLength(9);
  });

  test('of nothing pauses before the first call', async () => {
    const rig = await newRig();
    await rig.submit(rows(2), { spec: { limits: { budgetUsd: 0 } } });
    expect((await rig.untilPaused()).pause?.kind).toBe('budget');
    expect(rig.calls()).toEqual([]);
    await rig.batch.signal('cancel');
    expect(await rig.summary()).toMatchObject({ status: 'cancelled', counts: { cancelled: 2 }, costUsd: 0 });
  });
});

test('a model that takes far longer than usual gets fewer calls at once', async () => {
  const limits = { concurrency: 8 };
  const usual = await newRig();
  await usual.submit(rows(48), { spec: { limits } });
  await usual.summary();
  const slowedTo = () =>
    modelLoads(usual.space.directory).find(({ model }) => model === `gemini/${usual.model}`)?.slowed_to ?? undefined;
  expect(slowedTo()).toBeUndefined();

  const slow = await newRig({ latencyMs: 1_000 }, usual.model);
  await slow.submit(rows(80), { spec: { limits } });
  expect(await eventually(slowedTo)).toBeLessThan(8);
  await slow.batch.signal('cancel');
  await slow.summary();
});
