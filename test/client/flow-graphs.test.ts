import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveBatch } from '../../client/batch-flow.ts';
import { packageRoot } from '../../client/engine/package-root.ts';
import { readFlowFile, type FlowSearch } from '../../client/flow-files.ts';
import { loadModels } from '../../client/models.ts';

let home: string;
let search: FlowSearch;
const path = (): string => join(home, 'squares.yaml');

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'sluice-graphs-'));
  search = { home, models: await loadModels(home) };
  await mkdir(join(home, 'graphs'));
  await cp(join(packageRoot, 'flows', 'comfy', 'no-model.json'), join(home, 'graphs', 'square.json'));
  await writeFile(join(home, 'graphs', 'broken.json'), '{');
  await writeFile(join(home, 'graphs', 'editor.json'), '{ "nodes": [] }');
  const wordless = { 1: { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1 } } };
  await writeFile(join(home, 'graphs', 'wordless.json'), JSON.stringify(wordless));
});
afterAll(() => rm(home, { recursive: true }));

async function write(options: string): Promise<void> {
  const steps = ['steps:', '  - id: square', '    uses: comfy', `    with: ${options}`];
  await writeFile(path(), ['name: squares', 'description: Squares.', ...steps, ''].join('\n'));
}

test.each([
  ['no graph', '{ prompt: x }', '6:5: steps.square.with.graph: is required: the path of a graph in API format'],
  ['a template for a graph', "{ graph: '{{ item.id }}.json' }", '6:13: steps.square.with.graph: cannot be a template'],
  ['a graph that is not there', '{ graph: graphs/none.json }', '6:13: steps.square.with.graph: The graph '],
  ['a graph that is no JSON', '{ graph: graphs/broken.json }', '6:13: steps.square.with.graph: The graph '],
  ['a graph of the editor', '{ graph: graphs/editor.json }', '6:13: steps.square.with.graph: '],
  ['a name of no graph', '{ graph: sdxl }', '6:13: steps.square.with.graph: must be a graph that comes with Sluice ('],
  [
    'what the graph has no place for',
    '{ graph: graphs/square.json, steps: 20 }',
    '6:40: steps.square.with.steps: square.json has no place for it',
  ],
  [
    'a graph that takes no prompt',
    '{ graph: graphs/wordless.json }',
    '6:13: steps.square.with.graph: wordless.json has no place for a prompt',
  ],
  [
    'a class that is no name',
    '{ graph: graphs/square.json, gpu_class: Two GPUs }',
    '6:40: steps.square.with.gpu_class: must be "any" or a class',
  ],
])('%s is told with line and column', async (_, options, message) => {
  await write(options);
  const { problems } = await readFlowFile(path(), search);
  const [first] = problems.map((problem) => problem.replace(`${path()}:`, ''));
  expect(first?.startsWith(message), `${first ?? 'nothing'} should begin with ${message}`).toBe(true);
});

test('a batch keeps the graph that its flow names, and its items are made by it', async () => {
  await write('{ graph: graphs/square.json, gpu_class: 24gb, count: 2 }');
  const { flow, spec, graphs } = await resolveBatch({ flow: path() }, search);
  const [graph] = graphs;
  expect(graph?.key).toMatch(/^input\/graph-[0-9a-f]{16}\.json$/);
  expect(JSON.parse(graph?.text ?? '')).toHaveProperty('4.class_type', 'SaveImage');
  expect(flow.steps).toMatchObject([{ gpuClass: '24gb', with: { graph: graph?.key, count: 2 } }]);
  expect(spec.comfy?.graph).toBe(graph?.key);
});

test('the flow of sluice generate needs no graph of its own, and no batch without one', async () => {
  expect(await readFlowFile('sprite', search)).toMatchObject({ problems: [] });
  await expect(resolveBatch({ flow: 'sprite' }, search)).rejects.toThrow('needs a graph');
});
