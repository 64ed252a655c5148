import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../cli/sluice-process.ts';

const root = join(import.meta.dirname, '..', '..');
let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

function node(...args: string[]) {
  return promisify(execFile)(process.execPath, args, {
    cwd: sandbox.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SLUICE_HOME: sandbox.home },
  });
}

test('the example runs: rejected rows, results as they complete, summary', async () => {
  writeFileSync(sandbox.path('in.csv'), 'id,prompt,seed\na,a cat,1\nb,a dog,many\nc,a bird,3\n');
  const { stdout } = await node(join(root, 'examples', 'run-batch.ts'), 'in.csv', 'out');
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toMatch(/^row 3 is no item: seed: /);
  expect(lines.slice(1, 3).sort()).toEqual(['succeeded a images/a.png', 'succeeded c images/c.png']);
  expect(lines[3]).toBe('2 of 2 made, 0.08 USD');
});

test('a project that imports the package type-checks and runs', async () => {
  mkdirSync(sandbox.path('node_modules'));
  symlinkSync(root, sandbox.path('node_modules', 'sluice'));
  symlinkSync(join(root, 'node_modules', '@types'), sandbox.path('node_modules', '@types'));
  writeFileSync(sandbox.path('package.json'), '{ "type": "module" }');
  writeFileSync(
    sandbox.path('main.ts'),
    `import { Sluice, SluiceError, type BatchReport, type BatchSummary, type ResultRow } from 'sluice';
const sluice = await Sluice.connect();
const { batchId } = await sluice.submit({ input: { text: '{"prompt":"a fish"}' }, output: 'fish' });
const rows: ResultRow[] = [];
const results = sluice.watch(batchId);
let summary: BatchSummary | null = null;
for (;;) {
  const next = await results.next();
  if (next.done === true) { summary = next.value; break; }
  rows.push(next.value);
}
const report: BatchReport = await sluice.status(batchId);
const refused: unknown = await sluice.submit({ input: { path: 'nowhere' }, output: 'x' }).catch((error: unknown) => error);
console.log(JSON.stringify([rows.length, summary?.status, report.succeeded, refused instanceof SluiceError && refused.code]));
await sluice.close();
`,
  );
  const strict = [
    '--strict',
    '--noEmit',
    '--module',
    'nodenext',
    '--target',
    'es2024',
    '--types',
    'node',
    '--skipLibCheck',
  ];
  await node(join(root, 'node_modules', 'typescript', 'bin', 'tsc'), ...strict, 'main.ts');
  const { stdout } = await node('main.ts');
  expect(JSON.parse(stdout)).toEqual([1, 'succeeded', 1, 'INPUT_NOT_FOUND']);
  expect(readFileSync(sandbox.path('fish', 'results.jsonl'), 'utf8')).toContain('"succeeded"');
});
