import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readFlowFile, type FlowSearch } from '../../client/flow-files.ts';
import { loadModels } from '../../client/models.ts';

let home: string;
let search: FlowSearch;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-garbage-'));
  search = { home, models: await loadModels(home) };
});
afterAll(() => rm(home, { recursive: true }));

const head = 'name: g\ndescription: x\ncolumns: { a: {} }\nsteps:\n';
const step = '  - { id: s, uses: text, model: gemini, with: { prompt: x } }\n';
const written = (options: string): string => `${head}  - { id: s, uses: text, model: gemini, ${options} }\n`;

test.each<[string, string | Buffer, string]>([
  ['a text for a list', 'name: g\ndescription: x\nsteps: hello\n', '3:1: steps: expected array, received string'],
  ['nothing for a list', 'name: g\ndescription: x\nsteps:\n', '3:1: steps: expected array, received null'],
  ['a text for a step', `${head}  - hello\n`, '5:5: steps.0: expected object, received string'],
  ['a number for a name', `name: 12\ndescription: x\nsteps:\n${step}`, '1:1: name: expected string, received number'],
  ['a number for a prompt', written('with: { prompt: 5 }'), '5:49: steps.s.with.prompt: expected string'],
  ['tabs', `${head}\t- id: s\n`, '5:1: Tabs are not allowed as indentation'],
  ['a byte order mark before a mistake', `\uFEFFnmae: g\n${head}${step}`, '1:1: nmae: is not a field here'],
  ['line ends of Windows', `${head}${step}  - hello`.replaceAll('\n', '\r\n'), '6:5: steps.1: expected object'],
  ['UTF-16', Buffer.from(`\uFEFF${head}`, 'utf16le'), '1:1: is no text in UTF-8'],
  ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), '1:1: is no text in UTF-8'],
  ['a zero byte', 'name: g\ndescription: a\0b\n', '2:15: is no text in UTF-8'],
  ['nothing', '', '1:1: name: is required'],
  ['a list', '- a\n', '1:1: must hold "name:" and "steps:"'],
  ['two documents', `${head}${step}---\nname: h\n`, '6:1: holds more than one document'],
  ['an alias of nothing', `${head}  - { id: s, uses: text, model: *m }\n`, '5:33: Unresolved alias'],
  ['aliases of aliases', aliases(), '2:8: Excessive alias count'],
  ['far too much', `${head}${'#'.repeat(2_000_000)}`, '1:1: is larger than 1 MiB'],
  ['the same key twice', `${head}${step}name: h\n`, '6:1: Map keys must be unique'],
  [
    'a filter that does not exist',
    written("with: { prompt: '{{ item.a | shout }}' }"),
    '5:58: steps.s.with.prompt: undefined filter',
  ],
  [
    'one in parentheses of a condition',
    written('when: (item.a | shout) == 1, with: { prompt: x }'),
    '5:57: steps.s.when: undefined filter: shout',
  ],
  [
    'a schema that is none',
    written('with: { prompt: x, schema: { type: objekt } }'),
    '5:60: steps.s.with.schema: is no JSON Schema',
  ],
  [
    'more rounds expected than there may be',
    loop('at_most: 2, expect: 3'),
    '6:27: steps.l.repeat.expect: must be at most at_most, 2',
  ],
])('%s is told with line and column', async (_, text, message) => {
  const first = await firstMistake(text);
  expect(first.startsWith(message), `${first} should begin with ${message}`).toBe(true);
});

test('brackets without end are told with line and column, wherever the stack ended', async () => {
  expect(await firstMistake(`a: ${'['.repeat(20_000)}`)).toMatch(/^1:\d+: is nested too deeply$/);
});

async function firstMistake(text: string | Buffer): Promise<string> {
  const path = join(home, 'g.yaml');
  await writeFile(path, text);
  const { problems } = await readFlowFile(path, search);
  return problems[0]?.replace(`${path}:`, '') ?? 'nothing';
}

test('a directory is told from a file', async () => {
  await mkdir(join(home, 'dir.yaml'));
  const { problems } = await readFlowFile(join(home, 'dir.yaml'), search);
  expect(problems).toEqual([`${join(home, 'dir.yaml')} is a directory, not a file`]);
});

function aliases(): string {
  const nine = (name: string): string => `[${Array.from({ length: 9 }, () => name).join(',')}]`;
  const levels = ['a', 'b', 'c', 'd', 'e'];
  return levels.map((name, n) => `${name}: &${name} ${nine(n === 0 ? 'x' : `*${levels[n - 1] ?? ''}`)}\n`).join('');
}

function loop(bounds: string): string {
  return `${head}  - id: l\n    repeat: { ${bounds}, until: steps.s.text }\n    steps:\n    ${step}`;
}
