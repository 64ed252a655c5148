import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { devServerArgs, loadDevServerConfig } from '../../../client/engine/dev-server-config.ts';
import { packageRoot } from '../../../client/engine/package-root.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-dev-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function load(text: string) {
  const file = join(directory, 'temporal-dev.yaml');
  writeFileSync(file, text);
  return loadDevServerConfig(file);
}

test("the project's own temporal-dev.yaml registers every search attribute and opens SQLite in WAL mode", () => {
  const config = loadDevServerConfig(join(packageRoot, 'temporal-dev.yaml'));
  const args = devServerArgs(config, { databaseFile: '/h/temporal.db', ports: { server: 1, ui: 2 } });
  for (const name of ['Batch', 'Flow', 'Model', 'Project', 'State'])
    expect(args.join(' ')).toContain(`--search-attribute Sluice${name}=Keyword`);
  expect(args.join(' ')).toContain('--sqlite-pragma journal_mode=WAL --sqlite-pragma synchronous=NORMAL');
  expect(config.env).toEqual({ GOGC: '500' });
});

test('every setting becomes a flag, dynamic values as JSON', () => {
  const config = load(`
namespace: studio
ip: 127.0.0.1
database: d.db
log_level: error
sqlite: { cache_size: -2000 }
search_attributes: { Colour: KeywordList }
dynamic_config: { a.b: true, c.d: text, e.f: [1] }
`);
  expect(devServerArgs(config, { databaseFile: '/h/d.db', ports: { server: 17233, ui: 18233 } })).toEqual([
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', '17233', '--ui-port', '18233'],
    ...['--db-filename', '/h/d.db', '--log-level', 'error', '--namespace', 'studio'],
    ...['--sqlite-pragma', 'cache_size=-2000', '--search-attribute', 'Colour=KeywordList'],
    ...['--dynamic-config-value', 'a.b=true', '--dynamic-config-value', 'c.d="text"'],
    ...['--dynamic-config-value', 'e.f=[1]'],
  ]);
});

test.each([
  ['ip: 0.0.0.0', 'ip: Invalid'],
  ['database: ../../etc/passwd', 'database: Invalid'],
  ['ports: { server: 70000 }', 'ports.server: Too big'],
  ['search_attributes: { A: Colour }', 'search_attributes.A: Invalid'],
  ['retention: 5', 'Unrecognized key'],
  ['a: [', 'temporal-dev.yaml: '],
])('%j is refused with CONFIG_INVALID', (text, expected) => {
  expect(() => load(text)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  expect(() => load(text)).toThrow(expected);
});
