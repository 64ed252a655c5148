import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EmulatedGemini, Sandbox, until } from './sluice-process.ts';

let sandbox: Sandbox;
let gemini: EmulatedGemini;

beforeAll(async () => {
  sandbox = new Sandbox();
  // The first item is made at once; the others are under way for as long as the test looks.
  const faults = JSON.stringify({ rules: [{ prompt: 'prompt [23]$', fault: 'hang', times: 9 }] });
  gemini = await EmulatedGemini.start(sandbox, 'slow', '--faults', faults);
});
afterAll(async () => {
  await gemini.stop();
  await sandbox.dispose();
});

test('a terminal gets a live block with bar, share, cost and what is running, and Ctrl-C detaches', async () => {
  const command = ['batch', 'run', sandbox.prompts('in.csv', 3), '-o', 'out'];
  const { child, stdout, done } = sandbox.startInTerminal(command, { columns: 120, env: gemini.env });
  const text = (): string => stripVTControlCharacters(stdout());
  await until('one item is done and two are running', () => /done 1 .* running 2 [^]*→ item-3 .* s\r?\n/.test(text()));

  expect(text()).toMatch(/\[█{10}░{20}\] 33% {2}1\/3 {2}\d+\.\d\/min {2}\d+\.\d s/);
  expect(text()).toMatch(/done 1 · failed 0 · running 2 · pending 0 · cost \$0\.0[1-9]/);
  for (const item of [2, 3]) {
    expect(text()).toMatch(new RegExp(`→ item-${String(item)} {2}gemini-2\\.5-flash-image {2}seed \\d+`));
  }
  // Each block is drawn over the one before.
  expect(stdout()).toMatch(/\u001b\[\d*[AKJ]/);

  child.stdin?.write('\u0003');
  expect((await done).status).toBe(1);
  const id = /Batch (batch_\w+): 3 items/.exec(text())?.[1] ?? 'none';
  expect(text()).toContain(`Detached; batch ${id} goes on. Come back with: sluice batch watch ${id}`);
  const status = await sandbox.json(['batch', 'status', id, '--json'], { env: gemini.env });
  expect(status.json).toMatchObject({ status: 'running', succeeded: 1, running: 2 });
});
