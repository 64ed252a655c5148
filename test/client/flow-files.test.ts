import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listFlows, loadFlow, readFlowFile, type FlowSearch } from '../../client/flow-files.ts';
import { loadModels } from '../../client/models.ts';

let home: string;
let search: FlowSearch;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-flows-'));
  await mkdir(join(home, 'flows'));
  search = { home, models: await loadModels(home) };
});
afterEach(() => rm(home, { recursive: true }));

const write = async (lines: string[], name = 'story'): Promise<string> => {
  const path = join(home, 'flows', `${name}.yaml`);
  await writeFile(path, `${lines.join('\n')}\n`);
  return path;
};

const head = ['name: story', 'description: A story.', 'columns:', '  genre: { type: text }', 'steps:'];
const step = (...lines: string[]): string[] => ['  - id: draft', '    uses: text', '    model: gemini', ...lines];

/** Mistakes of the flow `story`, without the path of the file. */
async function mistakes(lines: string[]): Promise<string[]> {
  const path = await write(lines);
  const { problems } = await readFlowFile('story', search);
  return problems.map((problem) => problem.replace(`${path}:`, ''));
}

test('the flows that come with Sluice have no mistakes', async () => {
  const flows = await listFlows(search);
  expect(flows.map(({ name }) => name)).toEqual(expect.arrayContaining(['image', 'sprite']));
  expect(flows.flatMap(({ problems }) => problems)).toEqual([]);
});

test('image and sprite are what recorded batches were started with', async () => {
  expect((await loadFlow('image', search)).flow).toEqual({ name: 'image', steps: [{ id: 'image', uses: 'image' }] });
  expect((await loadFlow('sprite', search)).flow).toEqual({ name: 'sprite', steps: [{ id: 'sprite', uses: 'comfy' }] });
});

test('a flow of the user is found by name, by path, and goes before the one that comes with Sluice', async () => {
  const path = await write(['name: image', 'description: Mine.', 'steps:', '  - { id: image, uses: image }'], 'image');
  expect((await loadFlow('image', search)).description).toBe('Mine.');
  expect(await loadFlow(path, search)).toMatchObject({ name: 'image', shipped: false, file: path });
});

test('a flow that does not exist is told with those that do', async () => {
  await expect(loadFlow('novel', search)).rejects.toMatchObject({
    code: 'UNKNOWN_FLOW',
    action: expect.stringMatching(/chapter, .*image, .*sprite/),
  });
  await expect(loadFlow('./novel.yaml', search)).rejects.toMatchObject({ code: 'UNKNOWN_FLOW' });
});

test('a flow is read with its columns, parameters, limits, loops and choices of model', async () => {
  await write([
    'name: story',
    'description: A story.',
    'columns:',
    '  title: { required: true }',
    '  genre: { default: fantasy, description: decides the model }',
    'parameters:',
    '  words: { type: number, default: 800 }',
    '  editor: {}',
    'limits: { parallel: 5, timeout_seconds: 300, requests_per_minute: null }',
    'steps:',
    '  - id: writing',
    '    repeat: { at_most: 3, until: steps.qc.passed }',
    '    steps:',
    '      - id: draft',
    '        uses: text',
    '        when: item.genre != blank',
    '        model: { by: genre, table: { Romantic Comedy: gemini }, otherwise: [gpt-4o, claude] }',
    '        max_attempts: 5',
    '        timeout_seconds: 60',
    '        with: { prompt: "{{ item.title }}", temperature: "{{ parameters.words }}" }',
    '      - id: qc',
    '        uses: check',
    '        with: { rules: [{ that: steps.draft.text, message: "empty" }] }',
    'output: draft',
  ]);
  const { flow, limits, parameters } = await loadFlow('story', search);
  expect(limits).toEqual({ concurrency: 5, itemTimeoutMs: 300_000, ratePerMinute: null });
  expect(Object.keys(parameters)).toEqual(['words', 'editor']);
  expect(flow).toEqual({
    name: 'story',
    columns: [
      { name: 'title', type: 'text', required: true },
      { name: 'genre', type: 'text', required: false, default: 'fantasy' },
    ],
    parameters: { words: 800 },
    steps: [
      {
        id: 'writing',
        repeat: { atMost: 3, until: 'steps.qc.passed' },
        steps: [
          {
            id: 'draft',
            uses: 'text',
            when: 'item.genre != blank',
            model: {
              rule: 'by_field',
              field: 'genre',
              table: { 'romantic-comedy': 'gemini' },
              models: ['gpt-4o', 'claude'],
            },
            maxAttempts: 5,
            timeoutMs: 60_000,
            with: { prompt: '{{ item.title }}', temperature: '{{ parameters.words }}' },
          },
          {
            id: 'qc',
            uses: 'check',
            with: { rules: [{ that: 'steps.draft.text', message: 'empty' }] },
          },
        ],
      },
    ],
    output: 'draft',
  });
});

test.each([
  [
    'a field that is none',
    ['colour: red', ...head, ...step('    with: { prompt: x }')],
    '1:1: colour: is not a field here',
  ],
  ['YAML that cannot be read', ['name: [', ...head], '2:1: '],
  [
    'another name than the file’s',
    ['name: tale', ...head.slice(1), ...step('    with: { prompt: x }')],
    '1:1: name: must be that of the file, "story"',
  ],
  ['an unknown kind of step', [...head, '  - { id: draft, uses: poem }'], '6:18: steps.draft.uses: '],
  [
    'an option that is none',
    [...head, ...step('    with:', '      prompt: x', '      sytem: y')],
    '11:7: steps.draft.with.sytem: is not a field here',
  ],
  [
    'an option that is missing',
    [...head, ...step('    with: { system: x }')],
    '9:5: steps.draft.with.prompt: is required',
  ],
  [
    'an option of the wrong type',
    [...head, ...step('    with: { prompt: x, temperature: hot }')],
    '9:24: steps.draft.with.temperature: ',
  ],
  [
    'a template that cannot be read',
    [...head, ...step('    with:', '      prompt: |', '        Hi', '        and {{ item.genre')],
    '12:13: steps.draft.with.prompt: output "{{ item.genre " not closed',
  ],
  [
    'a column that does not exist',
    [...head, ...step('    with:', '      prompt: |', '        Hi', '', '        and {{ item.gnere }}')],
    '13:16: steps.draft.with.prompt: item.gnere: there is no such column',
  ],
  [
    'a column that does not exist, in one line',
    [...head, ...step('    with: { prompt: "Hi {{ item.gnere }}" }')],
    '9:28: steps.draft.with.prompt: item.gnere',
  ],
  [
    'a parameter that does not exist',
    [...head, ...step('    with: { prompt: "{{ parameters.words }}" }')],
    '9:25: steps.draft.with.prompt: parameters.words: there is no such parameter; there are none',
  ],
  [
    'a step that does not exist',
    [...head, ...step('    when: steps.plan.text', '    with: { prompt: x }')],
    '9:11: steps.draft.when: there is no step "plan"',
  ],
  [
    'a step that comes later',
    [
      ...head,
      ...step('    with: { prompt: "{{ steps.qc.passed }}" }'),
      '  - { id: qc, uses: check, with: { rules: [{ that: steps.draft.text, message: x }] } }',
    ],
    '9:25: steps.draft.with.prompt: steps.qc: does not come before this step',
  ],
  [
    'what a step does not make',
    [
      ...head,
      ...step('    with: { prompt: x }'),
      '  - { id: qc, uses: check, with: { rules: [{ that: steps.draft.passed, message: x }] } }',
    ],
    '10:52: steps.qc.with.rules.0.that: steps.draft.passed: a step that uses text has: text, path',
  ],
  [
    'an object asked of a step without a schema',
    [
      ...head,
      ...step('    with: { prompt: x }'),
      '  - { id: qc, uses: check, when: steps.draft.json.ok, with: { rules: [{ that: item.genre, message: x }] } }',
    ],
    '10:34: steps.qc.when: steps.draft.json: the step has no schema',
  ],
  [
    'a condition with "="',
    [...head, ...step('    when: item.genre = "x"', '    with: { prompt: x }')],
    '9:22: steps.draft.when: "=" compares nothing',
  ],
  [
    'a condition in braces',
    [...head, ...step('    when: "{{ item.genre }}"', '    with: { prompt: x }')],
    '9:12: steps.draft.when: a condition is written without braces',
  ],
  [
    'a loop outside of which its round is asked',
    [...head, ...step('    with: { prompt: "{{ loop.round }}" }')],
    '9:25: steps.draft.with.prompt: loop: there is no loop around this step',
  ],
  [
    'an unknown model',
    [...head, '  - { id: draft, uses: text, model: gpt-9, with: { prompt: x } }'],
    '6:30: steps.draft.model: there is no model "gpt-9"; there are: ',
  ],
  [
    'a model of another kind',
    [...head, '  - { id: draft, uses: text, model: veo, with: { prompt: x } }'],
    '6:30: steps.draft.model: "veo" makes no text',
  ],
  [
    'a step without the model it needs',
    [...head, '  - { id: draft, uses: text, with: { prompt: x } }'],
    '6:5: steps.draft.model: is required of a step that uses text',
  ],
  [
    'a model for a step that calls none',
    [...head, '  - { id: qc, uses: check, model: gemini, with: { rules: [{ that: item.genre, message: x }] } }'],
    '6:28: steps.qc.model: is not for a step that uses check',
  ],
  [
    'a table by a column that does not exist',
    [...head, '  - { id: draft, uses: text, model: { by: mood, table: {}, otherwise: gemini }, with: { prompt: x } }'],
    '6:39: steps.draft.model.by: there is no column "mood"',
  ],
  [
    'the same id twice',
    [...head, ...step('    with: { prompt: x }'), ...step('    with: { prompt: x }')],
    '10:5: steps.draft.id: "draft" is the id of another step',
  ],
  [
    'a loop that nothing ends',
    [
      ...head,
      '  - id: again',
      '    repeat: { at_most: 3, until: item.genre }',
      '    steps:',
      ...step('    with: { prompt: x }').map((line) => `    ${line}`),
    ],
    '7:27: steps.again.repeat.until: looks at no step of the loop',
  ],
  [
    'a loop without a bound',
    [
      ...head,
      '  - id: again',
      '    repeat: { until: steps.draft.text }',
      '    steps:',
      ...step('    with: { prompt: x }').map((line) => `    ${line}`),
    ],
    '7:5: steps.again.repeat.at_most: is required',
  ],
  [
    'a column that has a meaning already',
    ['name: story', 'description: x', 'columns: { filename: {} }', 'steps:', ...step('    with: { prompt: x }')],
    '3:12: columns.filename: means output_name in every flow',
  ],
  [
    'a default that does not fit',
    [
      'name: story',
      'description: x',
      'parameters: { words: { type: number, default: many } }',
      'steps:',
      ...step('    with: { prompt: x }'),
    ],
    '3:38: parameters.words.default: must be a number',
  ],
  [
    'an output that is no file',
    [...head, '  - { id: qc, uses: check, with: { rules: [{ that: item.genre, message: x }] } }', 'output: qc'],
    '7:1: output: the step "qc" makes no file',
  ],
])('%s is told with line and column', async (_, lines, message) => {
  const [first] = await mistakes(lines);
  expect(first?.startsWith(message), `${first ?? 'nothing'} should begin with ${message}`).toBe(true);
});

test('all mistakes are told at once, in the order of the file', async () => {
  const told = await mistakes([
    ...head,
    ...step('    when: item.x', '    with: { prompt: "{{ item.y }}" }'),
    'output: z',
  ]);
  expect(told.map((line) => line.split(':')[0])).toEqual(['9', '10', '11']);
});
