import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rows } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: newRig } = useNamespace();

describe.concurrent('items ended by hand', () => {
  test('a terminated one is reported and the others go on', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'hang' }] } });
    await rig.submit(rows(6, { 2: 'never' }), { spec: { limits: { concurrency: 2 } } });
    await rig.until(({ counts }) => counts.succeeded === 5);
    await rig.item('a2').terminate('by hand');
    expect(await rig.summary()).toMatchObject({ status: 'failed', counts: { succeeded: 5, failed: 1 } });
    expect(rig.row('a2')).toMatchObject({
      status: 'failed',
      error_code: 'TERMINATED',
      error_message: 'The item was terminated by hand.',
    });
  });

  test('a cancelled one that waits for its turn is reported as cancelled', async () => {
    const rig = await newRig();
    await rig.submit(rows(2), { spec: { limits: { ratePerMinute: 1 } } });
    const { running } = await rig.until(({ counts }) => counts.succeeded === 1 && counts.running === 1);
    const [waiting] = running;
    await rig.item(waiting?.itemId ?? '').cancel();
    expect(await rig.summary()).toMatchObject({ status: 'failed', counts: { succeeded: 1, cancelled: 1, failed: 0 } });
    expect(rig.row(waiting?.itemId ?? '')).toMatchObject({ status: 'cancelled', error_code: 'CANCELLED', calls: 0 });
    expect(rig.calls()).toHaveLength(1);
  });

  test('a cancelled one whose call is under way keeps what it paid for', async () => {
    const rig = await newRig({ latencyMs: 1_500 });
    await rig.submit(rows(1));
    await rig.untilCalled(1);
    await rig.item('a1').cancel();
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 1 } });
    expect(rig.calls()).toMatchObject([{ status: 200, aborted: false }]);
  });
});

describe.concurrent('the staged input', () => {
  const part = 'input/part-00000.jsonl';

  test('with a damaged line costs that item and no other', async () => {
    const rig = await newRig();
    await rig.submit(rows(5), {
      beforeStart: () => {
        const lines = rig.read(part).split('\n');
        lines[1] = lines[1]!.slice(0, 40);
        writeFileSync(join(rig.output, part), lines.join('\n'));
      },
    });
    expect(await rig.summary()).toMatchObject({ status: 'failed', counts: { succeeded: 4, failed: 1 } });
    expect(rig.results().filter((row) => row.status === 'failed')).toMatchObject([
      { index: 1, error_code: 'INPUT_CORRUPT', calls: 0 },
    ]);
    expect(rig.callsFor('picture 2')).toBe(0);
  });

  test('that was altered between reading the part and the item costs that item', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'hang', times: 1 }] } });
    await rig.submit(rows(3, { 1: 'never' }), { spec: { limits: { concurrency: 1 } } });
    await rig.untilCalled(1);
    const text = readFileSync(join(rig.output, part), 'utf8');
    writeFileSync(join(rig.output, part), text.replace('picture 3', 'pixture 3').replace('"a3"', '"a9"'));
    await rig.emulate();
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 2, failed: 1 });
    expect(rig.row('a3')).toMatchObject({ error_code: 'INPUT_CORRUPT', calls: 0 });
  });

  test('with a missing part pauses the batch with the reason, and goes on when it is back', async () => {
    const rig = await newRig();
    const away = join(rig.directory, 'part');
    await rig.submit(rows(3), {
      beforeStart: () => {
        renameSync(join(rig.output, part), away);
      },
    });
    const { pause } = await rig.untilPaused();
    expect(pause?.kind).toBe('storage');
    expect(pause?.reason).toMatch(/^Items cannot be read: .*part-00000\.jsonl is missing/);
    renameSync(away, join(rig.output, part));
    await rig.batch.signal('resume');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 3, failed: 0 });
    expect(rig.calls()).toHaveLength(3);
  });

  test('that disappears under a running batch pauses it before another call is paid for', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'never', fault: 'hang', times: 1 }] } });
    await rig.submit(rows(4, { 1: 'never' }), { spec: { limits: { concurrency: 1 } } });
    await rig.untilCalled(1);
    renameSync(join(rig.output, 'input'), join(rig.directory, 'input'));
    await rig.emulate();
    const paused = await rig.untilPaused();
    expect(paused.pause?.kind).toBe('storage');
    expect(paused.counts).toMatchObject({ failed: 0, pending: 4 });
    expect(rig.calls()).toHaveLength(1);
    renameSync(join(rig.directory, 'input'), join(rig.output, 'input'));
    await rig.batch.signal('resume');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 4, failed: 0 });
    expect(rig.calls()).toHaveLength(5);
  });
});

describe.concurrent('storage', () => {
  test('that refuses results pauses the batch; nothing is lost once it is mended', async () => {
    const rig = await newRig();
    await rig.submit(rows(5), {
      beforeStart: () => {
        writeFileSync(join(rig.output, 'results'), 'in the way');
      },
    });
    const { pause, counts } = await rig.untilPaused();
    expect(pause).toMatchObject({ kind: 'storage', action: 'Mend the storage, then resume the batch.' });
    expect(pause?.reason).toMatch(/^Results cannot be written: .*results\/part-00000\.jsonl/);
    expect(counts.succeeded).toBe(5);
    rmSync(join(rig.output, 'results'));
    await rig.batch.signal('resume');
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 5 } });
    expect(rig.results()).toHaveLength(5);
    expect(rig.calls()).toHaveLength(5);
  });

  test('that refuses an image is waited for, because the image is paid for', async () => {
    const rig = await newRig();
    await rig.submit(rows(3), {
      beforeStart: () => {
        writeFileSync(join(rig.output, 'images'), 'in the way');
      },
    });
    await rig.untilCalled(3);
    expect((await rig.until(() => rig.files('metadata').length === 3)).counts).toMatchObject({
      succeeded: 0,
      running: 3,
    });
    rmSync(join(rig.output, 'images'));
    expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 3 } });
    expect(rig.calls()).toHaveLength(3);
    expect(rig.files('images')).toHaveLength(3);
  });
});

test.concurrent('a wrong key pauses the batch after a window of calls and fails no item', async () => {
  const key = 'AIza-the-right-key-0123456789';
  const rig = await newRig();
  await rig.emulate({ apiKey: key }, 'AIza-the-wrong-key-0123456789');
  await rig.submit(rows(8), { spec: { limits: { concurrency: 2 } } });
  const { pause, counts } = await rig.untilPaused();
  expect(pause?.kind).toBe('environment');
  expect(pause?.reason).toContain('Gemini refused the API key');
  expect(pause?.action).toContain('GEMINI_API_KEY');
  expect(counts).toMatchObject({ failed: 0, succeeded: 0, pending: 8 });
  expect(rig.calls().length).toBeLessThanOrEqual(2);
  rig.useKey(key);
  await rig.batch.signal('resume');
  expect(await rig.summary()).toMatchObject({ status: 'succeeded', counts: { succeeded: 8, failed: 0 } });
});
