import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseSidecar, type Sidecar } from '../../domain/sidecar.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { rig: newRig, flow: newFlow, writer: newWriter } = useFlows();

const picture = (rig: Rig, name: string): string =>
  createHash('sha256')
    .update(readFileSync(join(rig.output, 'images', name)))
    .digest('hex');

function sidecar(rig: Rig, name: string): Sidecar {
  const found = parseSidecar(rig.read(`metadata/${name}.json`));
  if (found === null) throw new Error(`There is no sidecar of ${name}.`);
  return found;
}

const promptsOf = (rig: Rig): (string | null)[] => rig.calls().map(({ prompt }) => prompt);

describe.concurrent('what is rejected', () => {
  test('of a closed batch is made again with another seed and the notes, each time, and then holds', async () => {
    const rig = await newRig();
    await rig.submit(rows(3));
    await rig.summary();
    const before = { a1: picture(rig, 'a1.png'), a2: picture(rig, 'a2.png'), seed: rig.row('a1').seed };

    await rig.reject('a1', ' with a red scarf ');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 3, failed: 0, skipped: 0, pending: 0 });
    expect(picture(rig, 'a1.png')).not.toBe(before.a1);
    expect(picture(rig, 'a2.png')).toBe(before.a2);
    expect(rig.row('a1').seed).not.toBe(before.seed);
    expect(sidecar(rig, 'a1')).toMatchObject({ again: 1, prompt: 'picture 1\n\nwith a red scarf' });

    await rig.reject('a1', 'less sky');
    expect(await rig.summary()).toMatchObject({ counts: { succeeded: 3 }, rows: 5 });
    expect(sidecar(rig, 'a1')).toMatchObject({ again: 2, prompt: 'picture 1\n\nwith a red scarf\nless sky' });
    expect(rig.results()).toHaveLength(3);
    const made = picture(rig, 'a1.png');

    // Run once more, the batch finds that all is done.
    await rig.submit(rows(3), { resume: true });
    expect(await rig.summary()).toMatchObject({ counts: { skipped: 3, succeeded: 0 } });
    expect(picture(rig, 'a1.png')).toBe(made);
    expect(promptsOf(rig)).toHaveLength(5);
    expect((await rig.reviews.list(rig.batchId)).map(({ request_id: id, note }) => [id, note])).toEqual([
      ['a1', 'less sky'],
    ]);
  });

  test('of a running batch is made again beside the rest, one after the other, and none twice at once', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: '(stays|Again)', fault: 'hang' as const }] } });
    await rig.submit(rows(4, { 4: 'stays' }), { spec: { limits: { concurrency: 4 } } });
    await rig.until(({ counts }) => counts.succeeded === 3);
    await Promise.all(['a1', 'a2', 'a1'].map((itemId) => rig.reject(itemId, 'Again')));
    await rig.until(({ counts }) => counts.succeeded === 1 && counts.running === 3 && counts.pending === 0);
    await rig.untilCalled(6);
    await rig.emulate();
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 4, failed: 0, pending: 0 });
    expect(rig.results()).toHaveLength(4);
    // A call that hung is made again; a picture that hung is not asked for by two.
    expect(new Set(promptsOf(rig))).toEqual(
      new Set(['picture 1', 'picture 2', 'picture 3', 'stays', 'picture 1\n\nAgain', 'picture 2\n\nAgain']),
    );
  });

  test('does not come back when its next try fails and is retried', async () => {
    const rig = await newRig({ faults: { rules: [{ prompt: 'blue', fault: 'safety' as const, times: 1 }] } });
    await rig.submit(rows(1));
    await rig.summary();
    const before = picture(rig, 'a1.png');
    await rig.reject('a1', 'blue');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 0, failed: 1 });
    await rig.retry();
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1, failed: 0 });
    expect(picture(rig, 'a1.png')).not.toBe(before);
    expect(promptsOf(rig)).toEqual(['picture 1', 'picture 1\n\nblue', 'picture 1\n\nblue']);
  });

  test('of a flow of several steps is what its last step made: the others are not paid again', async () => {
    const writer = await newWriter();
    const model = { rule: 'fixed', models: [writer.model] } as const;
    const { rig, submit, record } = await newFlow({
      steps: [
        { id: 'tell', uses: 'text', model, with: { prompt: 'Tell {{ item.prompt }}' } },
        { id: 'draw', uses: 'image', with: { prompt: 'Draw {{ item.prompt }}' } },
      ],
    });
    await submit();
    await rig.summary();
    const told = record('a1', 'tell');
    await rig.reject('a1', 'in blue');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1 });
    expect(writer.prompts).toEqual(['Tell picture 1']);
    expect(record('a1', 'tell')).toEqual(told);
    expect(promptsOf(rig)).toEqual(['Draw picture 1', 'Draw picture 1\n\nin blue']);
    expect(rig.row('a1').steps).toMatchObject([
      { id: 'tell', reused: 1, calls: 0 },
      { id: 'draw', calls: 1 },
    ]);
  });
});

test('what is approved stays; what has failed, is not there, or that no model makes is not reviewed', async () => {
  const rig = await newRig({ faults: { rules: [{ prompt: 'bad', fault: 'safety' as const }] } });
  await rig.submit(rows(2, { 2: 'bad' }));
  await rig.summary();
  const { batchId } = rig;
  const approved = await rig.reviews.give({ batchId, itemId: 'a1' }, { decision: 'approve' });
  expect(approved).toMatchObject({ decision: 'approve', note: null, result: rig.row('a1').finished_at });
  await expect(rig.reject('a2')).rejects.toMatchObject({ code: 'INVALID_ANSWER' });
  await expect(rig.reject('nobody')).rejects.toMatchObject({ code: 'ITEM_NOT_FOUND' });
  await expect(rig.reject('a1', 'x'.repeat(4_001))).rejects.toMatchObject({ code: 'INVALID_ANSWER' });
  expect(await rig.runs()).toBe(1);
  expect(promptsOf(rig)).toHaveLength(2);

  const { rig: checking, submit } = await newFlow({
    steps: [
      { id: 'draw', uses: 'image', with: { prompt: 'Draw' } },
      { id: 'note', uses: 'export', with: { format: 'json', text: '{{ steps.draw.path }}' } },
    ],
  });
  await submit();
  expect((await checking.summary()).counts).toMatchObject({ succeeded: 1 });
  await expect(checking.reject('a1')).rejects.toMatchObject({ code: 'INVALID_ANSWER' });
});
