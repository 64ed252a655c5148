import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from './sluice-process.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
  mkdirSync(join(sandbox.home, 'flows'), { recursive: true });
  writeFileSync(
    join(sandbox.home, 'flows', 'ask.yaml'),
    [
      'name: ask',
      'description: Asks before it writes down.',
      'steps:',
      '  - id: approval',
      '    uses: approve',
      "    with: { question: 'Is {{ item.id }} good?', text: '{{ item.prompt }}' }",
      '  - id: document',
      '    uses: export',
      "    with: { format: markdown, text: '{{ steps.approval.text }}' }",
      '',
    ].join('\n'),
  );
  writeFileSync(sandbox.path('ask.csv'), 'id,prompt\na,First\nb,Second\n');
});
afterAll(() => sandbox.dispose());

test('a batch that asks is answered from the command line, and its follower says how', async () => {
  const create = ['batch', 'run', 'ask.csv', '--flow', 'ask', '-o', 'out', '--interactive', '--json'];
  const followed = await sandbox.json(create);
  expect(followed.status).toBe(4);
  expect(followed.json).toMatchObject({ status: 'waiting', waiting: 2, running: 0, pending: 0 });
  const id = String(followed.json['batch_id']);

  const shown = await sandbox.sluice(['inbox', '--batch', id]);
  expect(shown.stdout).toContain('Is a good?');
  expect(shown.stdout).toContain(`sluice answer ${id} a --approve | --reject | --edit`);
  const listed = await sandbox.sluice(['inbox', '--json']);
  const questions = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, string>);
  expect(questions.map(({ item_id: item }) => item).sort()).toEqual(['a', 'b']);
  expect(readFileSync(questions.find(({ item_id: item }) => item === 'a')?.['path'] ?? '', 'utf8')).toBe('First');

  expect((await sandbox.sluice(['answer', id, 'a'])).status).toBe(2);
  writeFileSync(sandbox.path('better.md'), 'Better.\n');
  const answered = await sandbox.sluice(['answer', id, 'a', '--edit', 'better.md', '--note', 'shorter']);
  expect(answered).toMatchObject({ status: 0, stdout: 'Answered (edit): Is a good?\n' });
  expect((await sandbox.sluice(['answer', id, 'b', '--reject', '--note', 'No.'])).status).toBe(0);
  const again = await sandbox.json(['answer', id, 'b', '--approve', '--json']);
  expect(again.status).toBe(2);
  expect(again.json).toMatchObject({ error: { code: expect.stringMatching(/^QUESTION_/) } });

  const end = await sandbox.json(['batch', 'watch', id, '--json']);
  expect(end.status).toBe(3);
  expect(end.json).toMatchObject({ status: 'failed', succeeded: 1, failed: 1, waiting: 0 });
  expect(readFileSync(sandbox.path('out/texts/a.md'), 'utf8')).toBe('Better.\n');
  expect((await sandbox.sluice(['inbox'])).stderr).toContain('Nobody is asked anything.');
});

test('the same key starts no second batch, and another input with it is refused', async () => {
  const create = ['batch', 'create', 'ask.csv', '--flow', 'ask', '--idempotency-key', 'order 7', '--json'];
  const first = await sandbox.json(create);
  const second = await sandbox.json(create);
  expect(second).toMatchObject({ status: 0, json: { batch_id: first.json['batch_id'] } });
  const followed = await sandbox.json([...create, '--wait']);
  expect(followed.json).toMatchObject({
    batch_id: first.json['batch_id'],
    status: expect.stringMatching(/^(succeed|fail)ed$/),
  });
  writeFileSync(sandbox.path('other.csv'), 'id,prompt\na,Other\n');
  const other = await sandbox.json(['batch', 'create', 'other.csv', ...create.slice(3)]);
  expect(other.json).toMatchObject({ error: { code: 'IDEMPOTENCY_MISMATCH' } });
});

test('the cache tells what it holds, and can be emptied', async () => {
  expect(await sandbox.sluice(['cache', 'stats'])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^0 results kept/),
  });
  expect((await sandbox.json(['cache', 'clear', '--json'])).json).toEqual({ entries: 0, bytes: 0, cost_usd: 0 });
});

test('what an item made is approved, or rejected and made again, without a flow that asks', async () => {
  const { json } = await sandbox.json(['batch', 'run', sandbox.prompts('in.csv', 2), '-o', 'pictures', '--json']);
  const id = String(json['batch_id']);
  const review = (...args: string[]) => sandbox.sluice(['batch', 'review', id, ...args]);
  expect(await review('item-1')).toMatchObject({ status: 2 });
  expect(await review('item-1', '--approve')).toMatchObject({ status: 0, stdout: 'Approved: item-1\n' });
  expect(await review('item-2', '--reject', '--note', 'bluer')).toMatchObject({ status: 0 });
  const end = await sandbox.json(['batch', 'watch', id, '--json']);
  expect(end.json).toMatchObject({ status: 'succeeded', succeeded: 2 });
  expect(readFileSync(sandbox.path('pictures/metadata/item-2.json'), 'utf8')).toContain('prompt 2\\n\\nbluer');
  const { stdout } = await sandbox.sluice(['batch', 'reviews', id]);
  expect(stdout).toBe('approve  item-1\nreject  item-2  bluer\n');
});
