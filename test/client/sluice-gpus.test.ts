import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../cli/sluice-process.ts';

const entry = join(import.meta.dirname, '..', '..', 'dist', 'client', 'index.js');
let sandbox: Sandbox;
beforeAll(() => {
  sandbox = new Sandbox();
});
afterAll(() => sandbox.dispose());

/** What a program of its own, run in the sandbox's directory, sees. */
async function connected(): Promise<unknown> {
  const program = `import { Sluice } from ${JSON.stringify(entry)};
const sluice = await Sluice.connect();
console.log(JSON.stringify([sluice.gpuMode, sluice.gpus]));
await sluice.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: sandbox.cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], SLUICE_HOME: sandbox.home },
  });
  return JSON.parse(stdout);
}

test('a connection knows the servers of its configuration, else those of the engine, without passwords', async () => {
  expect(await connected()).toEqual(['emulated', []]);
  const file = sandbox.path('sluice.yaml');
  writeFileSync(file, 'gpus: [{ name: a, url: "http://user:word@127.0.0.1:9/x" }]', { mode: 0o600 });
  const classes = ['any'];
  expect(await connected()).toEqual(['live', [{ name: 'a', url: 'http://user:word@127.0.0.1:9/x', classes }]]);
  rmSync(file);
  expect(await connected()).toEqual(['live', [{ name: 'a', url: 'http://127.0.0.1:9/x', classes }]]);
});
