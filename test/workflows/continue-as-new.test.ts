import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { rows } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig } = useNamespace();
const maxHistoryEvents = 100;

describe.concurrent('a batch that continues as new', () => {
  test('loses no item and calls none twice', async () => {
    const rig = await newRig({ latencyMs: 60, latencyJitter: 0.8 });
    await rig.submit(rows(70), { spec: { limits: { concurrency: 8 } }, maxHistoryEvents });
    const summary = await rig.summary();
    expect(summary.counts).toMatchObject({ succeeded: 70, failed: 0 });
    expect(summary.costUsd).toBeCloseTo(7, 6);
    expect(
      rig
        .calls()
        .map((call) => call.prompt)
        .sort(),
    ).toEqual(
      rows(70)
        .map((row) => row.prompt)
        .sort(),
    );
    expect(new Set(rig.results().map((row) => row.request_id)).size).toBe(70);
    expect(rig.results()).toHaveLength(70);
    expect(rig.mostCallsAtOnce()).toBeLessThanOrEqual(8);
    await eventually(async () => (await rig.runs()) >= 3);
  });

  test('does not wait for the items in flight and takes the same ones over', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'hang' }] } });
    const input = rows(60, { 1: 'never 1', 2: 'never 2', 3: 'never 3' });
    await rig.submit(input, { spec: { limits: { concurrency: 6 } }, maxHistoryEvents });
    await rig.untilCalled(3);
    const before = await Promise.all(['a1', 'a2', 'a3'].map((id) => rig.item(id).describe()));
    const { counts } = await rig.until((progress) => progress.counts.succeeded === 57);
    expect(counts.running).toBe(3);
    await eventually(async () => (await rig.runs()) >= 3);
    const after = await Promise.all(['a1', 'a2', 'a3'].map((id) => rig.item(id).describe()));
    expect(after.map(({ runId, status }) => [runId, status.name])).toEqual(
      before.map(({ runId }) => [runId, 'RUNNING']),
    );
    for (const { prompt } of input) expect(rig.callsFor(prompt)).toBe(1);

    await rig.emulate();
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 60, failed: 0 });
  });

  test('hears of a re-attached item that was terminated by hand', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'hang' }] } });
    await rig.submit(rows(40, { 1: 'never' }), { spec: { limits: { concurrency: 6 } }, maxHistoryEvents });
    await rig.until((progress) => progress.counts.succeeded === 39);
    await eventually(async () => (await rig.runs()) >= 2);
    await rig.item('a1').terminate('by hand');
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'failed', counts: { succeeded: 39, failed: 1 } });
    expect(rig.row('a1')).toMatchObject({ status: 'failed', error_code: 'TERMINATED' });
  });

  test('keeps the failure of a re-attached item with its row', async () => {
    const rules = [
      { prompt: 'never', fault: 'hang' as const, times: 1 },
      { prompt: 'never', fault: 'safety' as const },
    ];
    const rig = await newRig({ faults: { rules } });
    await rig.submit(rows(40, { 1: 'never' }), { spec: { limits: { concurrency: 6 } }, maxHistoryEvents });
    await rig.until((progress) => progress.counts.succeeded === 39);
    await eventually(async () => (await rig.runs()) >= 2);
    await rig.emulate({ faults: { rules: [{ prompt: 'never', fault: 'safety' }] } });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 39, failed: 1 });
    expect(rig.row('a1')).toMatchObject({ error_code: 'CONTENT_BLOCKED', calls: 2 });
  });

  test('cancels re-attached items, too', async () => {
    const rig = await newRig({
      faults: { rules: [{ prompt: 'never', fault: 'rate_limited' }], retry_delay_ms: 3_600_000 },
    });
    await rig.submit(rows(1, { 1: 'never' }), { maxHistoryEvents: 10 });
    await rig.untilCalled(1);
    for (let touched = 1; touched <= 12; touched++) await rig.batch.setLimits({ budgetUsd: touched });
    await eventually(async () => (await rig.runs()) >= 2);
    await rig.workflow.cancel();
    expect(await rig.summary()).toMatchObject({ status: 'cancelled', counts: { cancelled: 1 } });
  });

  test('loses no message that comes while it hands over', async () => {
    const rig = await newRig({ latencyMs: 40 });
    await rig.submit(rows(60), { spec: { limits: { concurrency: 4 } }, maxHistoryEvents: 60 });
    for (let round = 1; round <= 12; round++) {
      await rig.batch.signal('pause');
      await rig.until(({ pause }) => pause?.kind === 'user');
      const limits = await rig.batch.setLimits({ budgetUsd: 100 + round });
      expect(limits.budgetUsd).toBe(100 + round);
      await rig.batch.signal('resume');
      const after = await rig.until(({ pause }) => pause === null);
      expect(after.limits.budgetUsd).toBe(100 + round);
    }
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 60, failed: 0 });
    expect(rig.calls()).toHaveLength(60);
    await eventually(async () => (await rig.runs()) >= 4);
  });
});
