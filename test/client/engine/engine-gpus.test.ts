import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withCredentials } from '../../../client/engine/credentials.ts';
import { ensureEngine, stopEngine, type EnsureEngineOptions } from '../../../client/engine/ensure-engine.ts';
import { enginePaths } from '../../../client/engine/home.ts';

const supervisor = join(import.meta.dirname, '../../fixtures/engine/supervisor.ts');
const attic = { name: 'attic', url: 'http://user:hidden-word@attic:8188', classes: ['any', '48gb'] };
const studio = { name: 'studio', url: 'http://studio:8188', classes: ['any'] };
let home: string;

function start(credentials: EnsureEngineOptions['credentials'], env: NodeJS.ProcessEnv = {}) {
  const { TEMPORAL_ADDRESS: _address, ...rest } = withCredentials(process.env, {});
  return ensureEngine({
    home,
    notice: () => undefined,
    supervisor,
    env: { ...rest, ...env },
    ...(credentials === undefined ? {} : { credentials }),
  });
}

/** Key and names of the servers each start of the worker was given. */
function workersTold(): unknown[] {
  const lines = readFileSync(join(home, 'worker-told.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const { apiKey, gpus } = JSON.parse(line) as { apiKey: string | null; gpus: string | null };
    return [apiKey, gpus === null ? null : (JSON.parse(gpus) as unknown)];
  });
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'sluice-gpus-'));
});
afterEach(async () => {
  await stopEngine(home);
  rmSync(home, { recursive: true, force: true });
});

test('servers and key reach the worker whichever command brings them, and stay when another brings neither', async () => {
  const first = await start(undefined);
  expect(first.gpus).toEqual([]);
  await start({ gpus: [studio] });
  await start({ gemini: { apiKey: 'k' } });
  const last = await start({ gpus: [studio] });
  expect(await start(undefined)).toMatchObject({ live: ['gemini'], gpus: [studio] });
  expect(last.pid).toBe(first.pid);
  expect(workersTold()).toEqual([
    [null, null],
    [null, [studio]],
    ['k', [studio]],
  ]);
  await start({ gpus: [attic, studio] });
  expect(workersTold().slice(3)).toEqual([['k', [attic, studio]]]);
});

test('an engine that has to be started gets the servers at once, and shows and writes no password', async () => {
  const env = { SLUICE_GPUS: JSON.stringify([studio]), GEMINI_API_KEY: 'k' };
  const status = await start({ gpus: [attic] }, env);
  expect(workersTold()).toEqual([['k', [attic]]]);
  expect(status.gpus).toEqual([{ ...attic, url: 'http://attic:8188' }]);
  const paths = enginePaths(home);
  const written = [paths.stateFile, ...Object.values(paths.logs)].map((file) => readFileSync(file, 'utf8'));
  const emulatorSees = await (await fetch(`${status.emulatorUrl}/env`)).text();
  for (const text of [...written, emulatorSees, JSON.stringify(status)]) expect(text).not.toContain('hidden-word');
});
