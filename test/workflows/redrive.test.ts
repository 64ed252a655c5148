import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { eventually } from '../support/eventually.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig } = useNamespace();

/** Every item has one row, and it says success. */
function expectAllSucceeded(rig: Rig, count: number): void {
  const results = rig.results();
  expect(results).toHaveLength(count);
  expect(new Set(results.map((row) => row.request_id)).size).toBe(count);
  expect(results.every((row) => row.status === 'succeeded')).toBe(true);
}

describe.concurrent('a redrive', () => {
  test('runs the failed items of a running batch again, by code, and is refused while one is under way', async () => {
    const rules = [
      { prompt: '^blocked 1', fault: 'safety' as const, times: 1 },
      { prompt: '^blocked', fault: 'safety' as const, times: 1 },
      { prompt: '^blocked', fault: 'hang' as const, times: 1 },
      { prompt: 'empty', fault: 'no_image' as const, times: 2 },
      { prompt: '^never', fault: 'hang' as const, times: 1 },
    ];
    const rig = await newRig({ faults: { rules } });
    await rig.submit(rows(8, { 1: 'blocked 1', 2: 'blocked 2', 3: 'empty', 8: 'never' }), {
      spec: { limits: { concurrency: 4 }, retry: { maxAttempts: 2 } },
    });
    await rig.until(({ counts }) => counts.failed === 3 && counts.succeeded === 4);

    const both = await Promise.allSettled([
      rig.retry({ codes: ['CONTENT_BLOCKED'] }),
      rig.retry({ codes: ['CONTENT_BLOCKED'] }),
    ]);
    expect(both.map((attempt) => attempt.status).sort()).toEqual(['fulfilled', 'rejected']);
    const taken = both.find((attempt) => attempt.status === 'fulfilled');
    const refused = both.find((attempt) => attempt.status === 'rejected');
    expect(taken?.value).toMatchObject({ items: 2 });
    expect(refused?.reason).toMatchObject({
      code: 'BATCH_RUNNING',
      message: expect.stringMatching(/^An earlier retry/),
    });
    // One of the two hangs: the redrive is not over, however long that takes.
    await rig.until(({ counts }) => counts.failed === 1 && counts.succeeded === 5 && counts.running === 2);
    await expect(rig.retry()).rejects.toMatchObject({ code: 'BATCH_RUNNING' });

    await rig.emulate();
    // The one with the other code was left out; the closed batch can run it again.
    expect(await rig.summary()).toMatchObject({ status: 'failed', counts: { succeeded: 7, failed: 1 } });
    await rig.retry({ codes: ['NO_OUTPUT'] });
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { succeeded: 8, failed: 0, skipped: 0, pending: 0 } });
    expect(summary.costUsd).toBeCloseTo(0.8, 6);
    expectAllSucceeded(rig, 8);
  });

  test('of a closed batch is refused while another engine may be running it, and marks it as run here', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'blocked', fault: 'safety', times: 1 }] } });
    await rig.submit(rows(2, { 1: 'blocked' }));
    await rig.summary();
    const info = rig.info();
    const elsewhere = { ...info, engine: { host: 'elsewhere', home: '/home' }, summary: null };
    writeFileSync(join(rig.output, 'batch_info.json'), JSON.stringify(elsewhere));
    await expect(rig.retry()).rejects.toMatchObject({ code: 'OUTPUT_IN_USE' });
    expect(rig.info()).toEqual(elsewhere);

    writeFileSync(join(rig.output, 'batch_info.json'), JSON.stringify(info));
    await rig.retry();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 2 } });
    expect(rig.info()).toMatchObject({ engine: info.engine, summary: { status: 'succeeded' } });
  });

  test('of a closed batch is a new run of the same id with the cost of both', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '^bad', fault: 'safety', times: 2 }] } });
    await rig.submit(rows(8, { 1: 'bad 1', 5: 'bad 5' }));
    expect(await rig.summary()).toMatchObject({ status: 'failed', counts: { succeeded: 6, failed: 2 } });
    expect(rig.results()).toHaveLength(8);

    expect(await rig.retry()).toMatchObject({ items: null });
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { total: 8, succeeded: 8, failed: 0, skipped: 0 } });
    expect(summary.costUsd).toBeCloseTo(0.8, 6);
    expect(summary.rows).toBe(10);
    expect(rig.calls()).toHaveLength(10);
    expectAllSucceeded(rig, 8);
    expect(rig.info().summary).toMatchObject({ status: 'succeeded', succeeded: 8, cost_usd: 0.8 });
    await eventually(async () => (await rig.runs()) === 2);
    await expect(rig.retry()).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });
  });

  test('of a reopened batch takes what failed in this run, and not what is still to be run again', async () => {
    const rules = [
      { prompt: '^(bad|stuck)', fault: 'safety' as const, times: 3 },
      { prompt: '^bad 1', fault: 'safety' as const, times: 1 },
      { prompt: '^stuck', fault: 'hang' as const, times: 1 },
    ];
    const rig = await newRig({ faults: { rules } });
    await rig.submit(rows(6, { 1: 'bad 1', 2: 'bad 2', 3: 'stuck' }));
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 3, failed: 3 });
    await rig.retry();
    await rig.until(({ counts }) => counts.failed === 1 && counts.succeeded === 4 && counts.running === 1);
    expect(await rig.retry()).toMatchObject({ items: 1 });
    await rig.until(({ counts }) => counts.failed === 0 && counts.succeeded === 5);
    await rig.emulate();
    expect(await rig.summary()).toMatchObject({
      status: 'succeeded',
      counts: { succeeded: 6, failed: 0, cancelled: 0, pending: 0 },
    });
    expectAllSucceeded(rig, 6);
    expect(rig.callsFor('stuck')).toBe(3);
  });

  test('of some items of a cancelled batch leaves the others cancelled', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '^bad', fault: 'safety', times: 1 }] } });
    await rig.submit(rows(6, { 1: 'bad' }), { spec: { errorPolicy: 'stop', limits: { concurrency: 1 } } });
    expect((await rig.summary()).counts).toMatchObject({ failed: 1, cancelled: 5 });
    await rig.retry({ codes: ['CONTENT_BLOCKED'] });
    expect(await rig.summary()).toMatchObject({
      status: 'failed',
      counts: { total: 6, succeeded: 1, failed: 0, cancelled: 5, pending: 0 },
    });
    await rig.retry();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 6, cancelled: 0 } });
    expectAllSucceeded(rig, 6);
  });

  test('with a selector that makes no sense is refused', async () => {
    const rig = await newRig({ faults: { rates: { hang: 1 } } });
    await rig.submit(rows(1));
    for (const selector of ['all', { codes: 'AUTH' }, { itemIds: 5 }, { itemIds: [5] }]) {
      await expect(rig.workflow.executeUpdate('redrive', { args: [selector] })).rejects.toThrow();
    }
    expect((await rig.batch.progress()).status).toBe('running');
  });
});

describe.concurrent('a resumed submission', () => {
  test('does what failed, what lost its file, what was altered, and skips the rest', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '^bad', fault: 'safety', times: 1 }] } });
    const input = rows(6, { 1: 'bad' });
    const first = await rig.submit(input);
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 5, failed: 1 });
    await expect(rig.submit(input)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });

    const second = await rig.submit(input, { resume: true });
    expect(second).toMatchObject({ batchId: first.batchId, attached: false, fromRow: 6 });
    expect(await rig.summary()).toMatchObject({
      status: 'succeeded',
      counts: { total: 6, succeeded: 1, failed: 0, skipped: 5 },
    });
    expect(rig.calls()).toHaveLength(7);
    expectAllSucceeded(rig, 6);

    rmSync(join(rig.output, rig.row('a2').output_path ?? ''));
    const altered = rows(6, { 1: 'bad', 4: 'another picture' });
    const sidecar = `metadata/${rig.row('a5').output_path?.replace(/^images\/(.*)\.png$/, '$1') ?? ''}.json`;
    const facts = z.looseObject({ hash: z.string() }).parse(JSON.parse(rig.read(sidecar)));
    writeFileSync(join(rig.output, sidecar), JSON.stringify({ ...facts, hash: '0'.repeat(64) }));
    await rig.submit(altered, { resume: true });
    expect((await rig.summary()).counts).toMatchObject({ total: 6, succeeded: 3, skipped: 3, failed: 0 });
    expect(rig.calls()).toHaveLength(10);
    expect(rig.callsFor('picture 2')).toBe(2);
    expect(rig.callsFor('another picture')).toBe(1);
    expect(rig.callsFor('picture 5')).toBe(2);
    expectAllSucceeded(rig, 6);

    await rig.submit(altered, { resume: true });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 0, skipped: 6 });
    expect(rig.calls()).toHaveLength(10);
  });

  test('knows its items again when rows were put in between', async () => {
    const rig = await newRig();
    const input = rows(4);
    await rig.submit(input);
    await rig.summary();
    const [first, ...others] = input;
    await rig.submit([first!, { id: 'new', prompt: 'a new picture' }, ...others], { resume: true });
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { total: 5, failed: 0, pending: 0 } });
    expect(summary.counts.succeeded + summary.counts.skipped).toBe(5);
    expect(rig.calls()).toHaveLength(5);
    expectAllSucceeded(rig, 5);
  });

  test('of a batch that was terminated takes its running items over and calls nothing twice', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '^never', fault: 'hang' }] } });
    const input = rows(8, { 2: 'never 2', 5: 'never 5' });
    await rig.submit(input, { spec: { limits: { concurrency: 3 } } });
    await rig.until(({ counts }) => counts.succeeded === 6 && counts.running === 2);
    const orphans = await Promise.all(['a2', 'a5'].map((id) => rig.item(id).describe()));
    await rig.workflow.terminate('by hand');
    expect(await rig.batch.find()).toMatchObject({ state: 'ended' });

    await rig.submit(input, { resume: true, spec: { limits: { concurrency: 3 } } });
    await rig.until(({ counts }) => counts.succeeded + counts.skipped === 6 && counts.running === 2);
    expect(rig.calls()).toHaveLength(8);
    const adopted = await Promise.all(['a2', 'a5'].map((id) => rig.item(id).describe()));
    expect(adopted.map(({ runId }) => runId)).toEqual(orphans.map(({ runId }) => runId));
    await rig.emulate();
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'succeeded', counts: { failed: 0, pending: 0 } });
    for (const { prompt } of input) expect(rig.callsFor(prompt)).toBe(prompt.startsWith('never') ? 2 : 1);
    expectAllSucceeded(rig, 8);
  });

  test('that is cancelled cancels the items it took over', async () => {
    const rig = await newRig({
      faults: { rules: [{ prompt: 'never', fault: 'rate_limited' }], retry_delay_ms: 3_600_000 },
    });
    // One after the other: the rest the first refusal asks for holds for the whole model.
    const input = rows(2, { 2: 'never' });
    await rig.submit(input, { spec: { limits: { concurrency: 1 } } });
    await rig.until(({ counts }) => counts.succeeded === 1);
    await rig.untilCalled(2);
    await rig.workflow.terminate('by hand');
    await rig.submit(input, { resume: true });
    await rig.until(({ counts }) => counts.running === 1 && counts.pending === 0);
    await rig.batch.signal('cancel');
    expect(await rig.summary()).toMatchObject({ status: 'cancelled', counts: { cancelled: 1 } });
  });
});
