import { describe, expect, test } from 'vitest';
import { answerQuestion } from '../../client/answer.ts';
import { readInbox, type InboxEntry } from '../../client/inbox.ts';
import type { Flow } from '../../domain/flow.ts';
import type { Answer } from '../../domain/question.ts';
import { eventually } from '../support/eventually.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: makeRig, space } = useNamespace();

const approval = {
  id: 'approval',
  uses: 'approve',
  with: { question: 'Draw {{ item.id }}?', text: '{{ item.prompt }}' },
} as const;
const draw = { id: 'draw', uses: 'image', with: { prompt: '{{ steps.approval.text }}' } } as const;
/** Asks before it pays. */
const askThenDraw: Flow = { name: 'ask-then-draw', steps: [approval, draw] };
/** Asks only about rows that say so. */
const askSome: Flow = {
  name: 'ask-some',
  steps: [
    { ...approval, when: 'item.prompt contains "ask"' },
    { id: 'draw', uses: 'image', with: { prompt: '{{ item.prompt }}' } },
  ],
};

const spec = { interactive: true, cache: false };

function answer(rig: Rig, itemId: string, given: Answer = { decision: 'approve' }) {
  return answerQuestion(space().client, { batchId: rig.batchId, itemId }, given);
}

function questions(rig: Rig, count: number): Promise<InboxEntry[]> {
  return eventually(async () => {
    const open = await readInbox(space().client, { batchId: rig.batchId });
    return open.length === count ? open : undefined;
  });
}

describe('items that wait for people', () => {
  test('hold no place of the window: all are asked, and the others go on', async () => {
    const rig = await makeRig();
    const input = rows(8, { 1: 'ask 1', 2: 'ask 2', 3: 'ask 3', 4: 'ask 4' });
    await rig.submit(input, { flow: askSome, spec: { ...spec, limits: { concurrency: 1 } } });
    expect((await questions(rig, 4)).map(({ item_id: id }) => id)).toEqual(['a1', 'a2', 'a3', 'a4']);
    const progress = await rig.until(({ status }) => status === 'waiting');
    expect(progress.counts).toMatchObject({ succeeded: 4, running: 0, waiting: 4, pending: 0 });
    expect(progress.running).toEqual([]);
    expect((await rig.workflow.describe()).status.name).toBe('RUNNING');
    for (const id of ['a3', 'a1', 'a2', 'a4']) await answer(rig, id);
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 8, waiting: 0 });
    expect(rig.mostCallsAtOnce()).toBe(1);
  });

  test('are answered after their batch has continued as new, and still hold no place', async () => {
    const rig = await makeRig();
    const input = rows(40, { 1: 'ask 1', 2: 'ask 2' });
    await rig.submit(input, { flow: askSome, spec: { ...spec, limits: { concurrency: 2 } }, maxHistoryEvents: 100 });
    const progress = await rig.until(({ counts }) => counts.succeeded === 38);
    expect(progress.counts).toMatchObject({ waiting: 2, running: 0 });
    await eventually(async () => (await rig.runs()) >= 2);
    await questions(rig, 2);
    await answer(rig, 'a1');
    await rig.until(({ counts }) => counts.succeeded === 39);
    await answer(rig, 'a2');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 40, failed: 0 });
    expect(rig.calls()).toHaveLength(40);
  });

  test('are heard of by a batch that was just handed over when they say so', async () => {
    const rig = await makeRig();
    // Every run of the batch is full at once: messages come while it hands over, again and again.
    const input = rows(
      12,
      Object.fromEntries(Array.from({ length: 12 }, (_, place) => [place + 1, `ask ${String(place)}`])),
    );
    await rig.submit(input, { flow: askSome, spec: { ...spec, limits: { concurrency: 3 } }, maxHistoryEvents: 30 });
    await questions(rig, 12);
    await rig.until(({ counts, status }) => status === 'waiting' && counts.waiting === 12);
    await Promise.all(input.map(({ id }) => answer(rig, id)));
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 12 });
  });

  test('end with their batch when it is cancelled, with what they cost until then', async () => {
    const rig = await makeRig();
    const flow: Flow = {
      name: 'draw-then-ask',
      steps: [
        { ...draw, with: { prompt: '{{ item.prompt }}' } },
        { ...approval, with: { question: 'Keep?' } },
      ],
    };
    await rig.submit(rows(2), { flow, spec });
    await questions(rig, 2);
    await rig.batch.signal('cancel');
    const summary = await rig.summary();
    expect(summary).toMatchObject({ status: 'cancelled', counts: { cancelled: 2, waiting: 0 } });
    expect(summary.costUsd).toBeCloseTo(0.2, 6);
    expect(rig.row('a1')).toMatchObject({ status: 'cancelled', error_code: 'CANCELLED', calls: 1, cost_usd: 0.1 });
    await expect(answer(rig, 'a1')).rejects.toMatchObject({ code: 'QUESTION_NOT_FOUND' });
  });

  test('make no call in a paused batch, whatever they are answered, and do when it goes on', async () => {
    const rig = await makeRig();
    await rig.submit(rows(2), { flow: askThenDraw, spec });
    await questions(rig, 2);
    await rig.batch.signal('pause');
    await rig.until(({ status }) => status === 'paused');
    await answer(rig, 'a1');
    const paused = await rig.until(({ counts }) => counts.pending === 1);
    expect(paused.counts).toMatchObject({ waiting: 1, running: 0, succeeded: 0 });
    expect(rig.calls()).toEqual([]);
    await rig.batch.signal('resume');
    await rig.until(({ counts }) => counts.succeeded === 1);
    await answer(rig, 'a2');
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 2 });
    // The answer that was given is not asked for again.
    expect(rig.calls()).toHaveLength(2);
  });

  test('count for nothing in the failure policy until they have ended', async () => {
    const rig = await makeRig();
    const failurePolicy = { window: 4, minSample: 2, pauseAbove: 0.5 };
    const input = rows(6, { 1: 'ask 1', 2: 'ask 2', 3: 'ask 3' });
    await rig.submit(input, { flow: askSome, spec: { ...spec, failurePolicy, limits: { concurrency: 2 } } });
    await questions(rig, 3);
    const { pause, notices } = await rig.until(({ counts }) => counts.succeeded === 3);
    expect({ pause, notices }).toEqual({ pause: null, notices: [] });
    for (const id of ['a1', 'a2', 'a3']) await answer(rig, id, { decision: 'reject' });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 3, failed: 3 });
  });
});
