import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { readCosts } from '../../client/ledger.ts';
import { loadModels } from '../../client/models.ts';
import { planBatch, type BatchPlan, type PlanOptions } from '../../client/plan-batch.ts';
import { planSprites } from '../../client/sprites.ts';
import type { ModelsFile } from '../../domain/models.ts';
import { Sandbox } from './sluice-process.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples');

const inputs = [
  'prompts.csv',
  'characters.csv',
  'outlines.jsonl',
  'chapters.csv',
  'qc.jsonl',
  'videos.csv',
  'book.csv',
];

let sandbox: Sandbox;
let models: ModelsFile;
beforeAll(async () => {
  sandbox = new Sandbox();
  models = await loadModels(sandbox.home);
  // As they are in a checkout: an example may name a directory beside it.
  mkdirSync(sandbox.path('examples'));
  for (const name of inputs) writeFileSync(sandbox.path('examples', name), readFileSync(join(examples, name)));
});
afterAll(() => sandbox.dispose());

const plan = (options: PlanOptions): Promise<BatchPlan> => planBatch({ home: sandbox.home, models }, options);

/** By the ledger, USD. */
async function spentOn(batch: unknown): Promise<number> {
  const { rows } = await readCosts(sandbox.home, { by: 'batch' });
  return rows.find(({ key }) => key === batch)?.cost_usd ?? 0;
}

/** Runs a flow; what it cost is what was expected before, give or take a fifth. */
async function run(input: string, flow: string) {
  const { estimateUsd } = await plan({ input: { path: sandbox.path(input) }, spec: { flow } });
  const { status, json } = await sandbox.json(['batch', 'run', input, '--flow', flow, '-o', `out-${flow}`, '--json']);
  const spent = await spentOn(json['batch_id']);
  expect(json['cost_usd']).toBeCloseTo(spent, 4);
  expect(estimateUsd).toBeGreaterThanOrEqual(spent * 0.8);
  expect(estimateUsd).toBeLessThanOrEqual(spent * 1.2);
  return { status, json };
}

test.each([
  ['image', 'prompts.csv', 'images/lighthouse-dawn.png'],
  ['character', 'characters.csv', 'texts/ada.md'],
  ['outline', 'outlines.jsonl', 'texts/salt.json'],
  ['qc', 'qc.jsonl', 'texts/salt-1.json'],
  ['video', 'videos.csv', 'videos/tide.mp4'],
])('the flow %s makes what its example asks for, at about the cost that was expected', async (flow, input, file) => {
  const { status, json } = await run(`examples/${input}`, flow);
  expect({ status, failed: json['failed'] }).toEqual({ status: 0, failed: 0 });
  expect(json['succeeded']).toBe(json['total']);
  expect(readFileSync(sandbox.path(`out-${flow}`, file)).length).toBeGreaterThan(10);
});

test('sprites are expected to cost nothing, and do', async () => {
  const { submit } = await planSprites(sandbox.home, { prompts: ['knight'], count: 2 });
  expect(await plan(submit)).toMatchObject({ estimateUsd: 0, models: { 'gpu.any': { items: 1 } } });
  const made = await sandbox.json([
    'generate',
    '--prompt',
    'knight',
    '--count',
    '2',
    '-o',
    'out-sprite',
    '--wait',
    '--json',
  ]);
  expect(made).toMatchObject({ status: 0, json: { succeeded: 1 } });
  expect(await spentOn(made.json['batch_id'])).toBe(0);
});

test('chapters are written, judged and exported, and become one book', async () => {
  const written = await run('examples/chapters.csv', 'chapter');
  expect(written).toMatchObject({ status: 0, json: { succeeded: 12, failed: 0 } });
  const rows = readFileSync(sandbox.path('out-chapter', 'results.jsonl'), 'utf8').trimEnd().split('\n');
  for (const line of rows) {
    const row = JSON.parse(line) as { cost_usd: number; steps: { id: string; calls: number; cost_usd: number }[] };
    expect(row.steps.map(({ id }) => id)).toEqual(['draft', 'review', 'verdict', 'approval', 'document']);
    expect(row.steps.reduce((sum, { cost_usd: usd }) => sum + usd, 0)).toBeCloseTo(row.cost_usd, 5);
  }

  writeFileSync(sandbox.path('examples', 'mine.csv'), 'id,title,author,chapters\nsalt,Salt,Ada,../out-chapter\n');
  expect(await run('examples/mine.csv', 'export')).toMatchObject({ status: 0, json: { succeeded: 1 } });
  const pages = Object.keys(unzipSync(readFileSync(sandbox.path('out-export', 'books', 'salt.epub'))));
  expect(pages[0]).toBe('mimetype');
  expect(pages.filter((name) => /chapter-\d+\.xhtml$/.test(name))).toHaveLength(12);
});

test('a flow of one’s own makes pictures on GPUs by the graph beside it, after what a model wrote', async () => {
  mkdirSync(sandbox.path('own'));
  const graph = readFileSync(join(examples, '..', 'flows', 'comfy', 'no-model.json'));
  writeFileSync(sandbox.path('own', 'square.json'), graph);
  const flow = [
    'name: squares',
    'description: Squares of a theme.',
    'columns: { theme: { required: true } }',
    'steps:',
    "  - { id: idea, uses: text, model: gemini-lite, with: { prompt: 'A scene of {{ item.theme }}' } }",
    '  - id: square',
    '    uses: comfy',
    "    with: { graph: square.json, prompt: '{{ steps.idea.text }}', width: 64, height: 64, count: 2 }",
  ];
  writeFileSync(sandbox.path('own', 'squares.yaml'), flow.join('\n'));
  writeFileSync(sandbox.path('own', 'themes.csv'), 'id,theme,seed\nred,the colour red,7\n');
  const { status, json } = await sandbox.json([
    ...['batch', 'run', 'own/themes.csv', '--flow', 'own/squares.yaml', '-o', 'out-own', '--json'],
  ]);
  expect({ status, succeeded: json['succeeded'] }).toEqual({ status: 0, succeeded: 1 });
  expect(readdirSync(sandbox.path('out-own', 'images'))).toEqual(['red_0001_7.png', 'red_0002_7.png']);
  const sidecar: unknown = JSON.parse(readFileSync(sandbox.path('out-own', 'metadata', 'red_0001.json'), 'utf8'));
  const idea: unknown = JSON.parse(readFileSync(sandbox.path('out-own', 'steps', 'red', 'idea.json'), 'utf8'));
  expect(sidecar).toMatchObject({ settings: { width: 64 }, prompt: (idea as { text: string }).text });
});

test('a job is run as it is: flow, project and attempts are what it says', async () => {
  const job = {
    job_id: 'job-7',
    job_type: 'qc_processing',
    priority: 'high',
    items: [{ item_id: 'c1', project_id: 'p1', text: 'too short' }],
    config: { max_parallel: 3, retry_on_failure: true, max_retries: 2, model_rotation: 'round_robin' },
  };
  writeFileSync(sandbox.path('job.json'), JSON.stringify(job));
  const { status } = await sandbox.json(['batch', 'run', 'job.json', '--json']);
  // The text has too few words to pass.
  expect(status).toBe(3);
  const info: unknown = JSON.parse(readFileSync(sandbox.path('job-7', 'batch_info.json'), 'utf8'));
  expect(info).toMatchObject({
    flow: 'qc',
    project: 'p1',
    spec: { priority: 'high', retry: { maxAttempts: 3 }, limits: { concurrency: 3 } },
  });
});

test('text files become items in an order of chance that its seed repeats, and only so many', async () => {
  mkdirSync(sandbox.path('drafts'));
  for (let n = 1; n <= 9; n += 1) writeFileSync(sandbox.path('drafts', `d${String(n)}.md`), `Draft ${String(n)}`);
  const flow = sandbox.path('echo.yaml');
  writeFileSync(
    flow,
    "name: echo\ndescription: Writes a text as it is.\ncolumns: { text: { required: true } }\nsteps:\n  - { id: file, uses: export, with: { format: text, text: '{{ item.text }}' } }\n",
  );
  const orders: string[] = [];
  for (const output of ['first', 'second']) {
    const { status } = await sandbox.json([
      ...['batch', 'run', 'drafts/*.md', '--flow', flow, '-o', output, '--json'],
      ...['--shuffle', '--shuffle-seed', '11', '--max-records', '5'],
    ]);
    expect(status).toBe(0);
    const staged = readFileSync(sandbox.path(output, 'input', 'part-00000.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    orders.push(staged.map((line) => (JSON.parse(line) as { id: string }).id).join(' '));
  }
  expect(orders[0]).toBe(orders[1]);
  expect(orders[0]?.split(' ')).toHaveLength(5);
  expect(orders[0]).not.toBe('d1 d2 d3 d4 d5');
  const [some = ''] = orders[0]?.split(' ') ?? [];
  expect(readFileSync(sandbox.path('first', 'texts', `${some}.txt`), 'utf8').trim()).toBe(`Draft ${some.slice(1)}`);
  expect(existsSync(sandbox.path('first', 'texts', 'd10.txt'))).toBe(false);
});

test('a ledger that was lost is written anew from the results of all these batches, with the same numbers', async () => {
  const sums = { calls: z.int(), input_tokens: z.int(), output_tokens: z.int(), images: z.int(), cost_usd: z.number() };
  const costsSchema = z.object({ rows: z.array(z.object({ key: z.string(), mode: z.string(), ...sums })) });
  const costsBy = async (by: string, ...flags: string[]) => {
    const { rows } = costsSchema.parse((await sandbox.json(['costs', '--by', by, '--json', ...flags])).json);
    return rows.map((row) => ({ ...row, cost_usd: row.cost_usd.toFixed(4) }));
  };
  const [byModel, byBatch] = [await costsBy('model'), await costsBy('batch')];
  expect(byModel.map(({ key }) => key)).toEqual(expect.arrayContaining(['gpt-4o', 'gemini-2.5-flash', 'veo-3.1-fast']));
  // The engine has them open still; nothing more is run on it.
  const files = readdirSync(sandbox.home).filter((name) => name.startsWith('ledger.sqlite'));
  expect(files).not.toEqual([]);
  for (const name of files) rmSync(join(sandbox.home, name));
  expect(await costsBy('model')).toEqual([]);
  expect(await costsBy('model', '--rebuild')).toEqual(byModel);
  expect(await costsBy('batch')).toEqual(byBatch);
});
