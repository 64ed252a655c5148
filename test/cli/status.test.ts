import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeAll, start } from '../comfyui.ts';
import { Sandbox, until } from './sluice-process.ts';

/** So many that no prompt ends while it is looked at. */
const endless = ['--steps', '10000', '--batch-size', '1'];

let sandbox: Sandbox;
let studioUrl = '';
const ids: Record<'first' | 'low' | 'high' | 'short', string> = { first: '', low: '', high: '', short: '' };
beforeAll(async () => {
  sandbox = new Sandbox();
  const studio = await start({ timeScale: 1, loadSeconds: 0, deviceName: 'cuda:0 NVIDIA A6000' });
  studioUrl = studio.url;
  const attic = await start();
  await attic.close();
  const gpus = [
    { name: 'studio', url: studio.url.replace('//', '//user:hidden-word@') },
    { name: 'attic', url: attic.url, classes: ['old'] },
  ];
  writeFileSync(sandbox.path('sluice.yaml'), JSON.stringify({ gpus }), { mode: 0o600 });
});
afterAll(async () => {
  await closeAll();
  await sandbox.dispose();
});

async function generate(output: string, ...args: string[]): Promise<string> {
  const { json } = await sandbox.json(['generate', '--prompt', `a ${output}`, '-o', output, '--json', ...args]);
  return String(json['batch_id']);
}

async function status(id: string): Promise<Record<string, unknown>> {
  return (await sandbox.json(['status', id, '--json'])).json;
}

test('status of a batch tells the prompts on GPUs with their steps', async () => {
  ids.first = await generate('first', '--count', '3', ...endless);
  let seen: Record<string, unknown> = {};
  const hasStep = ({ step }: { step: unknown }): boolean => step !== null;
  await until('a prompt tells a step', async () => {
    seen = await status(ids.first);
    return (seen['prompts'] as { step: unknown }[]).some(hasStep);
  });
  const { prompts, ...rest } = seen;
  expect(rest).toMatchObject({ status: 'running', flow: 'sprite', total: 3, running: 3, images: 0, ahead: 0 });
  // One runs, one is queued behind it; the third has no place.
  expect(prompts).toHaveLength(2);
  expect((prompts as { step: unknown }[]).filter(hasStep)).toEqual([
    {
      item_id: expect.stringMatching(/^sprite-000\d$/),
      label: expect.stringMatching(/^sprite_000\d$/),
      endpoint: 'studio',
      count: 1,
      step: { value: expect.any(Number), max: 10_000 },
    },
  ]);
  await until('the text shows it too', async () => {
    const { stdout } = await sandbox.sluice(['status', ids.first]);
    return /^On GPUs:\n(?: {2}.*\n)? {2}sprite-000\d {2}studio {2}step \d+\/10000 /m.test(stdout);
  });
});

test('the live view shows the step of a prompt', async () => {
  const { stdout, child, done } = sandbox.startInTerminal(['status', ids.first, '--watch'], { columns: 160 });
  await until('the view shows a step', () => /studio step \d+\/10000/.test(stdout()));
  child.stdin?.write('\u0003');
  expect((await done).status).toBe(1);
  expect(await status(ids.first)).toMatchObject({ status: 'running' });
});

test('status lists the batches that run, with what goes before each, and the GPUs', async () => {
  ids.low = await generate('low', '--count', '2', '--priority', 'low', ...endless);
  ids.high = await generate('high', '--count', '4', '--priority', 'high', ...endless);
  const { json, stdout } = await sandbox.json(['status', '--json']);
  const batches = json['batches'] as { batch_id: string }[];
  expect(batches.map(({ batch_id }) => batch_id)).toEqual([ids.high, ids.low, ids.first]);
  expect(batches).toMatchObject([
    { priority: 'high', ahead: 0 },
    { priority: 'low', ahead: 7 },
    { priority: 'normal', ahead: 4, total: 3, running: 3 },
  ]);
  expect(json['gpus']).toMatchObject([
    { name: 'studio', alive: true, detail: 'cuda:0 NVIDIA A6000, 24 GiB' },
    { name: 'attic', alive: false, classes: ['any', 'old'] },
  ]);
  const text = await sandbox.sluice(['status']);
  expect(text.stdout).toMatch(new RegExp(`^${ids.low} +running +sprite +low +0/2 +0 +0 +2 +7$`, 'm'));
  expect(text.stdout).toMatch(/^studio {2}yes .* 24 GiB\nattic {3}NO /m);
  expect(stdout + text.stdout).not.toContain('hidden-word');
  expect((await sandbox.sluice(['status', ids.low])).stdout).toContain('Queue: 7 items of other batches go first.');
});

test('cancel asks to be told what', async () => {
  for (const args of [[], ['--all', '--all-queued'], [ids.low, '--all']]) {
    const { status, stderr } = await sandbox.sluice(['cancel', ...args]);
    expect(status).toBe(2);
    expect(stderr).toContain('Give the id of a batch, or --all-queued, or --all.');
  }
  expect((await sandbox.sluice(['cancel', 'nowhere'])).status).toBe(2);
});

test('cancel --all-queued spares what has a prompt on a GPU; --all spares nothing', async () => {
  const queued = await sandbox.sluice(['cancel', '--all-queued']);
  expect(queued.status).toBe(0);
  expect(queued.stdout.split('\n').filter(Boolean).sort()).toEqual(
    [ids.low, ids.high].map((id) => `Batch ${id} is being cancelled.`).sort(),
  );
  await until('they are closed', async () => {
    const states = await Promise.all([ids.low, ids.high].map(status));
    return states.every((state) => state['status'] === 'cancelled');
  });
  const rest = await sandbox.json(['cancel', '--all', '--json']);
  expect(rest.json).toEqual({ cancelled: [ids.first] });
  await until(
    'all are closed',
    async () => ((await sandbox.json(['status', '--json'])).json['batches'] as unknown[]).length === 0,
  );
  expect((await sandbox.sluice(['status'])).stdout).toContain('No batch runs.');
  expect(await sandbox.sluice(['cancel', '--all'])).toMatchObject({ status: 0, stderr: 'No batch runs.\n' });
  const all = (await sandbox.json(['status', '--all', '--json'])).json['batches'];
  expect((all as object[]).length).toBe(3);
  for (const batch of all as object[]) expect(batch).toMatchObject({ status: 'cancelled', ahead: null });
});

test('pictures are counted beside items, in status and in the totals', async () => {
  // What was cancelled would hold the GPU until the end of its node.
  await fetch(`${studioUrl}/__emulator/restart?down_ms=0`, { method: 'POST' });
  ids.short = await generate('short', '--count', '6', '--steps', '1', '--batch-size', '4', '--wait');
  expect(await status(ids.short)).toMatchObject({
    status: 'succeeded',
    total: 2,
    succeeded: 2,
    images: 6,
    prompts: [],
  });
  expect((await sandbox.sluice(['status', ids.short])).stdout).toMatch(/^ {2}pictures {3}6$/m);
  const { json } = await sandbox.json(['status', '--stats', '--json']);
  expect(json).toMatchObject({
    batches: { all: 4, succeeded: 1, cancelled: 3, running: 0 },
    items: { total: 11, succeeded: 2, failed: 0, cancelled: 9 },
    images: 6,
    cost_usd: 0,
    gone: 0,
  });
  expect(json['images_per_minute']).toBeGreaterThan(0);
  expect((await sandbox.json(['batch', 'stats', '--json'])).json).toEqual(json);
  expect((await sandbox.sluice(['batch', 'stats'])).stdout).toMatch(/^batches {3}4 \(succeeded 1, cancelled 3\)$/m);
});

test('status follows all batches until none runs', async () => {
  const id = await generate('followed', '--steps', '1');
  const { status, stdout } = await sandbox.sluice(['status', '--watch', '--all']);
  expect(status).toBe(0);
  expect(stdout).toMatch(new RegExp(`^${id} +succeeded`, 'm'));
  expect((await sandbox.sluice(['status', id, '--stats'])).status).toBe(2);
});

test('list takes a limit, and clean removes sprites with their graph, after saying so', async () => {
  const { stdout } = await sandbox.sluice(['batch', 'list', '--limit', '2']);
  expect(stdout.trimEnd().split('\n')).toHaveLength(2);
  expect(readdirSync(sandbox.path('short', 'input'))).toContainEqual(expect.stringMatching(/^graph-.*\.json$/));
  const planned = await sandbox.sluice(['batch', 'clean', '--older-than', '0s', '--dry-run']);
  expect(planned.stdout).toContain(`would remove ${ids.short} `);
  expect(existsSync(sandbox.path('short', 'images', 'sprite_0001_0.png')) || existsSync(sandbox.path('short'))).toBe(
    true,
  );
  expect((await sandbox.sluice(['batch', 'clean', '--older-than', '0s'])).status).toBe(0);
  expect(existsSync(sandbox.path('short'))).toBe(false);
  const { json } = await sandbox.json(['batch', 'stats', '--json']);
  expect(json).toMatchObject({ batches: { all: 5 }, items: { succeeded: 3 }, images: 0, gone: 5 });
  expect((await sandbox.sluice(['batch', 'stats'])).stdout).toMatch(/^items .* cancelled \d+, not done 0$/m);
});
