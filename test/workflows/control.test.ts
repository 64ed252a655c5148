import { WorkflowUpdateFailedError } from '@temporalio/client';
import { describe, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { rows, searchAttributesOf } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig } = useNamespace();

describe.concurrent('pause and resume', () => {
  test('a paused batch starts nothing, says why, and goes on when it is resumed', async () => {
    const rig = await newRig({ latencyMs: 80 });
    await rig.submit(rows(14), { spec: { limits: { concurrency: 2 } } });
    await rig.untilCalled(2);
    await rig.batch.signal('pause');
    const paused = await rig.untilPaused();
    expect(paused.status).toBe('paused');
    expect(paused.pause).toMatchObject({ kind: 'user', reason: 'Paused by request' });
    const called = rig.calls().length;
    expect(paused.counts).toMatchObject({ succeeded: called, running: 0, pending: 14 - called });
    // A message wakes the batch's loop; it must not start anything.
    await rig.batch.setLimits({ concurrency: 5 });
    expect((await rig.batch.progress()).counts).toEqual(paused.counts);
    expect(rig.calls()).toHaveLength(called);
    await eventually(async () => (await searchAttributesOf(rig.workflow))['SluiceState'] === 'paused');

    await rig.batch.signal('resume');
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 14 } });
    expect(rig.calls()).toHaveLength(14);
  });

  test('a pause with nothing left to start neither hangs nor colours the result', async () => {
    const rig = await newRig({ latencyMs: 500 });
    await rig.submit(rows(2));
    await rig.untilCalled(2);
    await rig.batch.signal('pause');
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 2 } });
    expect(rig.info().summary?.status).toBe('succeeded');
  });
});

describe.concurrent('cancel', () => {
  for (const [how, name] of [
    ['the signal', 'signal'],
    ["Temporal's own cancellation", 'cancellation'],
  ] as const) {
    test(`by ${how} hears out the calls under way and counts the rest as cancelled`, async () => {
      const rig = await newRig({ latencyMs: 400 });
      await rig.submit(rows(12), { spec: { limits: { concurrency: 3 } } });
      await rig.untilCalled(2);
      if (name === 'signal') await rig.batch.signal('cancel');
      else await rig.workflow.cancel();
      const summary = await rig.summary();
      const called = rig.calls();
      expect(called.every((call) => call.status === 200 && call.aborted === false)).toBe(true);
      expect(called.length).toBeLessThan(12);
      expect(summary.status).toBe('cancelled');
      expect(summary.counts).toMatchObject({
        succeeded: called.length,
        cancelled: 12 - called.length,
        failed: 0,
        pending: 0,
      });
      expect(rig.files('images')).toHaveLength(called.length);
      expect(rig.results().filter((row) => row.status === 'succeeded')).toHaveLength(called.length);
      expect(rig.info().summary).toMatchObject({ status: 'cancelled', cancelled: 12 - called.length });
    });
  }

  test('of a paused batch closes it', async () => {
    const rig = await newRig();
    await rig.submit(rows(6), { spec: { limits: { concurrency: 1, budgetUsd: 0.25 } } });
    await rig.untilPaused();
    await rig.batch.signal('cancel');
    expect(await rig.summary()).toMatchObject({ status: 'cancelled', counts: { succeeded: 2, cancelled: 4 } });
  });

  test('reaches an item that waits for its turn', async () => {
    const rig = await newRig();
    await rig.submit(rows(3), { spec: { limits: { ratePerMinute: 1 } } });
    await rig.until(({ counts }) => counts.succeeded === 1 && counts.running === 2);
    await rig.batch.signal('cancel');
    expect(await rig.summary()).toMatchObject({ status: 'cancelled', counts: { succeeded: 1, cancelled: 2 } });
    expect(rig.calls()).toHaveLength(1);
  });
});

describe.concurrent('setLimits', () => {
  test('raises concurrency at once', async () => {
    const rig = await newRig({ faults: { rates: { hang: 1 } } });
    await rig.submit(rows(7), { spec: { limits: { concurrency: 2 } } });
    await rig.untilCalled(2);
    expect((await rig.batch.progress()).counts.running).toBe(2);
    const limits = await rig.batch.setLimits({ concurrency: 5 });
    expect(limits).toMatchObject({ concurrency: 5, ratePerMinute: null, budgetUsd: null });
    await rig.untilCalled(5);
    expect((await rig.batch.progress()).counts).toMatchObject({ running: 5, pending: 2 });
    await rig.emulate();
    expect((await rig.summary()).counts.succeeded).toBe(7);
  });

  test('lowers concurrency for what is started from then on', async () => {
    const rig = await newRig({ latencyMs: 50 });
    await rig.submit(rows(14), { spec: { limits: { concurrency: 4 } } });
    await rig.untilCalled(4);
    await rig.batch.signal('pause');
    await rig.untilPaused();
    const before = rig.calls().length;
    await rig.batch.setLimits({ concurrency: 1 });
    await rig.batch.signal('resume');
    await rig.summary();
    const later = rig.calls().slice(before);
    expect(later.length).toBeGreaterThan(0);
    expect(later.every((call, place) => place === 0 || call.at >= (later[place - 1]?.ended_at ?? Infinity))).toBe(true);
  });

  test('lets every later rate reach the items that wait for their turn', async () => {
    const rig = await newRig();
    await rig.submit(rows(6), { spec: { limits: { ratePerMinute: 1, concurrency: 2 } } });
    await rig.untilCalled(1);
    await rig.batch.setLimits({ ratePerMinute: 2 });
    await rig.untilCalled(2);
    // The items now waiting were started under the second rate, not the first.
    await rig.until(({ counts }) => counts.succeeded === 2 && counts.running === 2);
    await rig.batch.setLimits({ ratePerMinute: null });
    expect((await rig.summary()).counts.succeeded).toBe(6);
  });

  test('refuses what is out of range and names field and rule', async () => {
    const rig = await newRig({ faults: { rates: { hang: 1 } } });
    await rig.submit(rows(2));
    await expect(rig.batch.setLimits({ concurrency: 51 })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/^concurrency: .*50/),
    });
    const before = (await rig.batch.progress()).limits;
    const refusals: [unknown, RegExp][] = [
      [{ concurrency: 0 }, /^concurrency: must be a whole number from 1 to 50$/],
      [{ concurrency: 2.5 }, /^concurrency: /],
      [{ ratePerMinute: 301 }, /^ratePerMinute: must be a whole number from 1 to 300, or null$/],
      [{ budgetUsd: -1 }, /^budgetUsd: must be 0 or more, or null$/],
      [{ toleratedFailure: { percent: 101 } }, /^toleratedFailure: percent must be from 0 to 100/],
      [{ toleratedFailure: { cuont: 3 } }, /^toleratedFailure: /],
      [{ speed: 3 }, /^speed: is not a limit/],
      [{}, /^limits: nothing to change$/],
      ['as fast as you can', /^limits: must be an object$/],
      [null, /^limits: must be an object$/],
      [[7], /is not a limit/],
      [undefined, /^limits: must be an object$/],
    ];
    for (const [change, message] of refusals) {
      const refused: unknown = await rig.workflow
        .executeUpdate('setLimits', { args: [change] })
        .catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
      expect((refused as WorkflowUpdateFailedError).cause?.message).toMatch(message);
    }
    expect((await rig.batch.progress()).limits).toEqual(before);
  });
});
