import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answerQuestion } from '../../client/answer.ts';
import { readInbox, type InboxEntry } from '../../client/inbox.ts';
import type { Flow } from '../../domain/flow.ts';
import type { Answer, Question } from '../../domain/question.ts';
import { eventually } from '../support/eventually.ts';
import { rows, searchAttributesOf, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: makeRig, space } = useNamespace();

/** Asks about the row's own text, and writes it down when it is approved. */
function askFlow(options: Record<string, unknown> = {}): Flow {
  return {
    name: 'ask',
    steps: [
      {
        id: 'approval',
        uses: 'approve',
        with: { question: 'Is {{ item.id }} good?', text: '{{ item.prompt }}', ...options },
      },
      { id: 'document', uses: 'export', with: { format: 'markdown', text: '{{ steps.approval.text }}' } },
    ],
  };
}

/** Draws until a person likes it. */
const drawFlow: Flow = {
  name: 'draw-until-liked',
  steps: [
    {
      id: 'draw_until_liked',
      repeat: { atMost: 3, until: 'steps.approval.approved' },
      steps: [
        {
          id: 'draw',
          uses: 'image',
          with: { prompt: '{{ item.prompt }}{% if steps.approval %}; {{ steps.approval.answer.note }}{% endif %}' },
        },
        { id: 'approval', uses: 'approve', with: { question: 'Keep it?', image: '{{ steps.draw.path }}' } },
      ],
    },
  ],
};

const spec = { interactive: true } as const;

function answer(rig: Rig, itemId: string, given: Answer): Promise<Question> {
  return answerQuestion(space().client, { batchId: rig.batchId, itemId }, given);
}

/** Waits until so many questions of the batch are open. */
function questions(rig: Rig, count: number): Promise<InboxEntry[]> {
  return eventually(async () => {
    const open = await readInbox(space().client, { batchId: rig.batchId });
    return open.length === count ? open : undefined;
  });
}

describe('an item that asks a person', () => {
  test('waits, is found in the inbox, and goes on with the answer', async () => {
    const rig = await makeRig();
    await rig.submit(rows(1), { spec, flow: askFlow() });
    const [open] = await questions(rig, 1);
    expect(open).toMatchObject({
      batch_id: rig.batchId,
      item_id: 'a1',
      question: 'approval',
      title: 'Is a1 good?',
      choices: ['approve', 'reject', 'edit'],
      expires_at: null,
    });
    const name = rig.files('steps')[0] ?? '';
    expect(open?.path).toBe(join(rig.output, `steps/${name}/approval.question.md`));
    expect(rig.read(`steps/${name}/approval.question.md`)).toBe('picture 1');
    const progress = await rig.until(({ status }) => status === 'waiting');
    expect(progress.counts).toMatchObject({ running: 0, waiting: 1, pending: 0, succeeded: 0 });
    expect(await searchAttributesOf(rig.item('a1'))).toMatchObject({ SluiceState: 'waiting' });
    expect(await searchAttributesOf(rig.workflow)).toMatchObject({ SluiceState: 'waiting' });

    expect(await answer(rig, 'a1', { decision: 'approve', note: 'Fine.' })).toMatchObject({ id: 'approval' });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1, waiting: 0 });
    expect(rig.row('a1')).toMatchObject({ output_path: `texts/${name}.md`, calls: 0, cost_usd: 0 });
    expect(rig.read(`texts/${name}.md`)).toBe('picture 1\n');
    expect(JSON.parse(rig.read(`steps/${name}/approval.json`))).toMatchObject({
      text: 'picture 1',
      approved: true,
      passed: true,
      answer: { decision: 'approve', note: 'Fine.', by: 'person' },
    });
    await questions(rig, 0);
  });

  test('goes on with an edited text in place of its own', async () => {
    const rig = await makeRig();
    await rig.submit(rows(1), { spec, flow: askFlow() });
    await questions(rig, 1);
    await answer(rig, 'a1', { decision: 'edit', text: 'Better.' });
    await rig.summary();
    expect(rig.read(rig.row('a1').output_path ?? '')).toBe('Better.\n');
  });

  test('has failed when it is rejected, with the note, and is asked for again by a retry', async () => {
    const rig = await makeRig();
    await rig.submit(rows(2), { spec, flow: askFlow() });
    await questions(rig, 2);
    await answer(rig, 'a1', { decision: 'reject', note: 'No ships.' });
    await answer(rig, 'a2', { decision: 'approve' });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 1, failed: 1 });
    expect(rig.row('a1')).toMatchObject({ error_code: 'REJECTED', error_message: 'Rejected: No ships.' });
    await rig.retry();
    await questions(rig, 1);
    await answer(rig, 'a1', { decision: 'approve' });
    expect((await rig.summary()).counts).toMatchObject({ succeeded: 2, failed: 0 });
  });

  test('refuses a second answer, one that does not fit, and one to nothing', async () => {
    const rig = await makeRig();
    const flow: Flow = {
      name: 'ask-twice',
      steps: [...askFlow().steps, { id: 'again', uses: 'approve', with: { question: 'Sure?' } }],
    };
    await rig.submit(rows(1), { spec, flow });
    await questions(rig, 1);
    await expect(answer(rig, 'a1', { decision: 'reject', note: 'x'.repeat(4_001) })).rejects.toMatchObject({
      code: 'INVALID_ANSWER',
    });
    const other: Answer = { decision: 'approve', question: 'again' };
    await expect(answer(rig, 'a1', other)).rejects.toMatchObject({
      code: 'INVALID_ANSWER',
      message: /open question is approval/,
    });
    const both = await Promise.allSettled([
      answer(rig, 'a1', { decision: 'approve', question: 'approval' }),
      answer(rig, 'a1', { decision: 'approve', question: 'approval' }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    // Until visibility has caught up, the inbox shows the answered one.
    const next = await eventually(async () => (await questions(rig, 1)).find(({ question }) => question === 'again'));
    expect(next).toMatchObject({ path: null, choices: ['approve', 'reject'] });
    await expect(answer(rig, 'a1', { decision: 'edit', text: 'x' })).rejects.toMatchObject({ code: 'INVALID_ANSWER' });
    await answer(rig, 'a1', { decision: 'approve' });
    await rig.summary();
    await expect(answer(rig, 'a1', { decision: 'approve' })).rejects.toMatchObject({ code: 'QUESTION_NOT_FOUND' });
    await expect(answer(rig, 'nobody', { decision: 'approve' })).rejects.toMatchObject({ code: 'QUESTION_NOT_FOUND' });
    const nowhere = answerQuestion(space().client, { batchId: 'batch_x', itemId: 'a1' }, { decision: 'approve' });
    await expect(nowhere).rejects.toMatchObject({ code: 'BATCH_NOT_FOUND' });
  });

  test.each([
    ['approve', { succeeded: 1 }, null],
    ['reject', { failed: 1 }, 'REJECTED'],
    ['fail', { failed: 1 }, 'NOT_ANSWERED'],
  ] as const)('that nobody answers in time counts as said: %s', async (byDefault, counts, code) => {
    const rig = await makeRig();
    await rig.submit(rows(1), { spec, flow: askFlow({ time_limit_hours: 0.0002, default: byDefault }) });
    expect((await rig.summary()).counts).toMatchObject(counts);
    expect(rig.row('a1').error_code).toBe(code);
  });

  test.each([
    ['approve', { succeeded: 1 }, null],
    ['fail', { failed: 1 }, 'NOT_ANSWERED'],
  ] as const)('answers itself in a batch that is not interactive: %s', async (rule, counts, code) => {
    const rig = await makeRig();
    await rig.submit(rows(1), { flow: askFlow({ not_interactive: rule }) });
    expect((await rig.summary()).counts).toMatchObject(counts);
    expect(rig.row('a1').error_code).toBe(code);
  });

  test('draws a rejected picture again, with another seed and the note, and keeps both', async () => {
    const rig = await makeRig();
    await rig.submit(rows(1), { spec, flow: drawFlow });
    const [first] = await questions(rig, 1);
    expect(first).toMatchObject({ question: 'approval-1', choices: ['approve', 'reject'] });
    await answer(rig, 'a1', { decision: 'reject', note: 'more sea' });
    const second = await eventually(async () =>
      (await readInbox(space().client, { batchId: rig.batchId })).find(({ question }) => question === 'approval-2'),
    );
    expect(second.path).not.toBe(first?.path);
    await answer(rig, 'a1', { decision: 'approve' });
    await rig.summary();
    expect(rig.calls().map(({ prompt }) => prompt)).toEqual(['picture 1', 'picture 1; more sea']);
    const seeds = new Set(rig.calls().map(({ seed }) => seed));
    expect(seeds.size).toBe(2);
    expect(rig.row('a1')).toMatchObject({ status: 'succeeded', calls: 2, images: 2 });
    expect(join(rig.output, rig.row('a1').output_path ?? '')).toBe(second.path);
  });
});
