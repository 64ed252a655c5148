import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadConfig } from '../../client/config.ts';
import type { SluiceError } from '../../domain/errors.ts';

let root: string;
let notices: string[];
const load = (env: NodeJS.ProcessEnv = {}) =>
  loadConfig({ cwd: join(root, 'cwd'), home: join(root, 'home'), env, notice: (line) => notices.push(line) });

function write(place: 'cwd' | 'home', text: string, mode = 0o600): string {
  const file = join(root, place, place === 'cwd' ? 'sluice.yaml' : 'config.yaml');
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

function failure(env: NodeJS.ProcessEnv = {}): SluiceError {
  try {
    load(env);
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('loadConfig did not throw');
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  mkdirSync(join(root, 'cwd'));
  mkdirSync(join(root, 'home'));
  notices = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('without files and environment nothing is set', () => {
  expect(load()).toEqual({ defaults: {}, gemini: {}, temporal: {}, files: [] });
});

test('environment wins over the working directory, and that over the home, setting by setting', () => {
  const home = write(
    'home',
    'defaults: { concurrency: 2, model: a, rate_limit: null }\ngemini: { api_key: home, base_url: https://a.test }',
  );
  const cwd = write('cwd', 'defaults: { concurrency: 7 }\ngemini: { api_key: cwd }\ntemporal: { address: "t:1" }');
  expect(load({ GEMINI_API_KEY: 'env', TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: 'n' })).toEqual({
    defaults: { concurrency: 7, model: 'a', rate_limit: null },
    gemini: { api_key: 'env', base_url: 'https://a.test' },
    temporal: { address: 't:1', namespace: 'n' },
    files: [cwd, home],
  });
});

test.each([
  ['defaults: { concurrency: 51 }', 'defaults.concurrency: Too big'],
  ['defaults: { concurency: 5 }', 'defaults: Unrecognized key: "concurency"'],
  ['defaults: { error_policy: explode }', 'defaults.error_policy: Invalid option'],
  ['gemini: { base_url: nowhere }', 'gemini.base_url: Invalid URL'],
  ['- a\n- b', 'file: Invalid input'],
])('%j is refused with file, field and rule', (text, expected) => {
  const file = write('cwd', text);
  const error = failure();
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.message).toContain(`${file}: ${expected}`);
});

test('broken YAML is reported by its line without quoting the file', () => {
  const file = write('home', 'gemini:\n  api_key: "top-secret\n  base_url: [');
  const error = failure();
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.message).toMatch(/line \d+ is not valid YAML/);
  expect(error.message).toContain(file);
  expect(inspect(error, { depth: 9 })).not.toContain('top-secret');
});

test('a file with a key that others can read is pointed out, one without a key is not', () => {
  write('cwd', 'defaults: { concurrency: 3 }', 0o644);
  const home = write('home', 'gemini: { api_key: k }', 0o640);
  load();
  expect(notices).toEqual([`${home} holds a key and can be read by others; do: chmod 600 ${home}`]);
});

test('an empty file sets nothing', () => {
  write('cwd', '# nothing yet\n');
  expect(load().defaults).toEqual({});
});
