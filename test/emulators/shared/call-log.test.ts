import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CallLog, readCallLog } from '../../../emulators/shared/call-log.ts';
import { startGeminiEmulator } from '../../../emulators/gemini/server.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-call-log-'));
  path = join(directory, 'logs', 'calls.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true }));

const call = { at: 1, model: 'm', prompt: 'p', seed: 1, request_hash: 'h' };

test('a log that another emulator began is continued with new call numbers', () => {
  const first = new CallLog(path);
  first.start({ call: first.nextCall(), ...call });
  first.close();
  const second = new CallLog(path);
  second.start({ call: second.nextCall(), ...call });
  second.close();
  expect(readCallLog(path).map((row) => row.call)).toEqual([1, 2]);
});

test('half a line at the end of a log is passed over and not joined to the next', () => {
  const first = new CallLog(path);
  first.start({ call: first.nextCall(), ...call });
  first.close();
  appendFileSync(path, '{"event":"sta');
  const second = new CallLog(path);
  second.start({ call: second.nextCall(), ...call });
  second.close();
  expect(readCallLog(path).map((row) => row.call)).toEqual([1, 2]);
});

test('a log that cannot be written is a USAGE error that names it', async () => {
  writeFileSync(join(directory, 'logs'), 'a file, no directory');
  await expect(startGeminiEmulator({ callLog: path })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(path),
  });
});

test('after kill -9 of the emulator the log shows what had ended and what was in flight', async () => {
  const program = `
    import { startGeminiEmulator } from ${JSON.stringify(new URL('../../../emulators/gemini/server.ts', import.meta.url).href)};
    const faults = { rules: [{ prompt: 'waits', fault: 'hang' }] };
    const { url } = await startGeminiEmulator({ latencyMs: 0, callLog: process.argv[1], faults });
    console.log(url);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(child.stdout, 'data');
  const generate = (prompt: string) =>
    fetch(`${String(line).trim()}/v1beta/models/gemini-2.5-flash-image:generateContent`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ parts: [{ text: prompt }] }] }),
    });

  await (await generate('ends')).arrayBuffer();
  const waiting = generate('waits').catch(() => 'broken');
  while (!readFileSync(path, 'utf8').includes('waits')) await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGKILL');
  expect(await waiting).toBe('broken');

  const calls = readCallLog(path);
  expect(calls.map(({ prompt, status }) => [prompt, status])).toEqual([
    ['ends', 200],
    ['waits', undefined],
  ]);
  expect(calls[1]).not.toHaveProperty('ended_at');
});
