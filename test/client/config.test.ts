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
  expect(load()).toEqual({
    defaults: {},
    gemini: {},
    openai: {},
    anthropic: {},
    temporal: {},
    api: {},
    http: { allow: [] },
    cache: {},
    gpus: [],
    files: [],
  });
});

test('environment wins over the working directory, and that over the home, setting by setting', () => {
  const home = write(
    'home',
    'defaults: { concurrency: 2, model: a, rate_limit: null }\ngemini: { api_key: home, base_url: https://a.test }',
  );
  const cwd = write(
    'cwd',
    'defaults: { concurrency: 7 }\ngemini: { api_key: cwd }\ntemporal: { address: "t:1" }\nopenai: { base_url: "http://127.0.0.1:11434" }',
  );
  expect(
    load({ GEMINI_API_KEY: 'env', ANTHROPIC_API_KEY: 'env-a', TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: 'n' }),
  ).toEqual({
    defaults: { concurrency: 7, model: 'a', rate_limit: null },
    gemini: { api_key: 'env', base_url: 'https://a.test' },
    api: {},
    http: { allow: [] },
    cache: {},
    openai: { base_url: 'http://127.0.0.1:11434' },
    anthropic: { api_key: 'env-a' },
    temporal: { address: 't:1', namespace: 'n' },
    gpus: [],
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

test('budgets hold over all batches of a home, and so stand only in its own file', () => {
  write('home', 'budgets: { day_usd: 5, projects: { novel: { total_usd: 100 } } }');
  expect(load().budgets).toEqual({ day_usd: 5, projects: { novel: { total_usd: 100 } } });
  const file = write('cwd', 'budgets: { day_usd: 50 }');
  expect(failure()).toMatchObject({ code: 'CONFIG_INVALID' });
  expect(failure().message).toContain(`${file}: budgets: belongs into`);
});

test('an endpoint serves the class any besides its own', () => {
  write('cwd', 'gpus:\n- { name: a, url: "http://a:8188" }\n- { name: b.1, url: "https://b/x", classes: [24gb, any] }');
  expect(load().gpus).toEqual([
    { name: 'a', url: 'http://a:8188', classes: ['any'] },
    { name: 'b.1', url: 'https://b/x', classes: ['any', '24gb'] },
  ]);
});

test('the stronger list of endpoints replaces the weaker one whole, an empty list too', () => {
  const names = (env?: NodeJS.ProcessEnv) => load(env).gpus.map(({ name }) => name);
  write('home', 'gpus: [{ name: home-1, url: "http://h:1" }, { name: home-2, url: "http://h:2" }]');
  expect(names({ SLUICE_GPUS: '' })).toEqual(['home-1', 'home-2']);
  write('cwd', 'gpus: [{ name: cwd, url: "http://c" }]');
  expect(names()).toEqual(['cwd']);
  expect(names({ SLUICE_GPUS: '[{"name":"env","url":"http://e"}]' })).toEqual(['env']);
  expect(names({ SLUICE_GPUS: '[]' })).toEqual([]);
});

test.each([
  ['{ name: A, url: "http://a" }', 'gpus.0.name: must be of a-z, 0-9, dots and hyphens'],
  ['{ name: -a, url: "http://a" }', 'gpus.0.name: must be of'],
  ['{ name: a, url: "ws://a" }', 'gpus.0.url: must be an http(s) address.'],
  ['{ name: a, url: "a:8188" }', 'gpus.0.url: must be an http(s) address.'],
  ['{ name: a, url: "http://a", classes: [24 GB] }', 'gpus.0.classes.0: must be of'],
  ['{ name: a, url: "http://a", vram: 24 }', 'gpus.0: Unrecognized key: "vram"'],
  ['{ name: a, url: "http://a" }, { name: a, url: "http://b" }', 'gpus.1.name: "a" is given twice.'],
  ['{ name: a, url: "http://a" }, { name: b, url: "http://x:y@a/" }', 'gpus.1.url: is that of "a" already.'],
])('the endpoint %s is refused with file, field and rule', (entries, expected) => {
  const file = write('cwd', `gpus: [${entries}]`);
  const error = failure();
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.message).toContain(`${file}: ${expected}`);
});

test.each([
  ['[{"name":"a","url":"http://user:top-secret@a"', 'environment: SLUICE_GPUS is not JSON.'],
  ['[{"name":"a","url":"ws://user:top-secret@a"}]', 'environment: SLUICE_GPUS.0.url: must be an http(s) address.'],
])('SLUICE_GPUS=%s is refused without quoting it', (text, expected) => {
  const error = failure({ SLUICE_GPUS: text });
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expected });
  expect(inspect(error, { depth: 9 })).not.toContain('top-secret');
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
  const home = write('home', 'openai: { api_key: k }', 0o640);
  load();
  expect(notices).toEqual([`${home} holds a key and can be read by others; do: chmod 600 ${home}`]);
});

test('a file with the password of an endpoint that others can read is pointed out', () => {
  const file = write('cwd', 'gpus: [{ name: a, url: "http://user:secret@a" }]', 0o644);
  load();
  expect(notices).toEqual([`${file} holds a password and can be read by others; do: chmod 600 ${file}`]);
});

test('an empty file sets nothing', () => {
  write('cwd', '# nothing yet\n');
  expect(load().defaults).toEqual({});
});
