import { randomUUID } from 'node:crypto';
import { PNG } from 'pngjs';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { ComfyGraph } from '../../../domain/comfy-graph.ts';
import { readGpuLog, reportGpus } from '../../../emulators/comfyui/gpu-log.ts';
import { startComfyEmulator, type ComfyEmulator } from '../../../emulators/comfyui/server.ts';
import { closeAll, graphOf, logPath, start, until } from '../../comfyui.ts';

const entrySchema = z.looseObject({
  outputs: z.record(z.string(), z.looseObject({ images: z.array(z.looseObject({ filename: z.string() })) })),
  status: z.looseObject({ status_str: z.string(), messages: z.array(z.tuple([z.string(), z.looseObject({})])) }),
});
const messageSchema = z.looseObject({ type: z.string(), data: z.looseObject({}) });

const sockets = new Set<WebSocket>();
afterEach(async () => {
  for (const socket of sockets) socket.terminate();
  sockets.clear();
  await closeAll();
});

async function get(emulator: ComfyEmulator, path: string): Promise<unknown> {
  return (await fetch(emulator.url + path)).json();
}

async function post(emulator: ComfyEmulator, path: string, body: object | string) {
  const reply = await fetch(emulator.url + path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await reply.text();
  return { status: reply.status, text, json: text.startsWith('{') ? (JSON.parse(text) as unknown) : null };
}

async function submit(emulator: ComfyEmulator, graph: ComfyGraph, more: object = {}): Promise<string> {
  const promptId = randomUUID();
  const reply = await post(emulator, '/prompt', { prompt: graph, prompt_id: promptId, client_id: 'tester', ...more });
  expect(reply.status).toBe(200);
  return promptId;
}

async function ended(emulator: ComfyEmulator, promptId: string) {
  let entry: z.output<typeof entrySchema> | undefined;
  await until(async () => {
    entry = z.record(z.string(), entrySchema).parse(await get(emulator, `/history/${promptId}`))[promptId];
    return entry !== undefined;
  }, promptId);
  return entry!;
}

/** A listener's messages; binary ones as the text `binary`. */
async function listen(emulator: ComfyEmulator, clientId: string) {
  const told: { type: string; data: Record<string, unknown> }[] = [];
  const socket = new WebSocket(`${emulator.url.replace('http', 'ws')}/ws?clientId=${clientId}`);
  sockets.add(socket);
  socket.on('message', (data: Buffer, binary) => {
    told.push(binary ? { type: 'binary', data: {} } : messageSchema.parse(JSON.parse(data.toString('utf8'))));
  });
  await until(() => told.length > 0, 'the first status');
  return told;
}

test('a cached graph runs nothing and lists the old file; /free makes it run again', async () => {
  const gpuLog = logPath();
  const emulator = await start({ gpuLog });
  const files = [];
  for (let n = 0; n < 3; n++) {
    if (n === 2) await post(emulator, '/free', { free_memory: true });
    const { outputs } = await ended(emulator, await submit(emulator, graphOf('sdxl-sprite')));
    files.push(outputs['8']?.images[0]?.filename);
  }
  expect(files).toEqual(['sprite_00001_.png', 'sprite_00001_.png', 'sprite_00002_.png']);
  expect(readGpuLog(gpuLog).flatMap((row) => (row.event === 'prompt_end' ? [row.cached] : []))).toEqual([
    false,
    true,
    false,
  ]);
});

test('a prompt without an id gets one, and none at all is refused', async () => {
  const emulator = await start();
  const accepted = await post(emulator, '/prompt', { prompt: graphOf('sdxl-sprite') });
  expect(accepted.status).toBe(200);
  expect(accepted.json).toMatchObject({ prompt_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
  const refused = await post(emulator, '/prompt', { nothing: 1 });
  expect(refused.status).toBe(400);
  expect(refused.json).toMatchObject({ error: { type: 'no_prompt' } });
});

test('the same id twice runs twice', async () => {
  const gpuLog = logPath();
  const emulator = await start({ gpuLog });
  const prompt_id = randomUUID();
  await submit(emulator, graphOf('sdxl-sprite', { seed: 1 }), { prompt_id });
  await submit(emulator, graphOf('sdxl-sprite', { seed: 2 }), { prompt_id });
  await until(() => reportGpus(readGpuLog(gpuLog))[0]?.prompts.success === 2, 'both');
});

test('the same id with the same number while it waits is answered with 500, and is in the queue', async () => {
  const emulator = await start({ timeScale: 100 });
  await submit(emulator, graphOf('sdxl-sprite'));
  const body = { prompt: graphOf('sdxl-sprite'), prompt_id: randomUUID(), number: 5 };
  expect((await post(emulator, '/prompt', body)).status).toBe(200);
  expect((await post(emulator, '/prompt', body)).status).toBe(500);
  const queue = z.object({ queue_pending: z.array(z.array(z.unknown())) }).parse(await get(emulator, '/queue'));
  expect(queue.queue_pending.map(([number, id]) => [number, id])).toEqual([
    [5, body.prompt_id],
    [5, body.prompt_id],
  ]);
});

test('an interrupt acts at the next node; in the last node it is lost', async () => {
  const emulator = await start({ timeScale: 0.1 });
  const promptId = await submit(emulator, graphOf('sdxl-sprite'));
  await post(emulator, '/interrupt', { prompt_id: randomUUID() });
  await until(async () => JSON.stringify(await get(emulator, '/queue')).includes(promptId), 'the prompt');
  await post(emulator, '/interrupt', { prompt_id: promptId });
  const { status } = await ended(emulator, promptId);
  expect([status.status_str, status.messages.at(-1)?.[0]]).toEqual(['error', 'execution_interrupted']);

  const graph: ComfyGraph = { ...graphOf('sdxl-sprite', { seed: 9 }) };
  const told = await listen(emulator, 'tester');
  const other = await submit(emulator, graph);
  await until(
    () => told.some(({ type, data }) => type === 'executing' && data['node'] === '8' && data['prompt_id'] === other),
    'the last node',
  );
  await post(emulator, '/interrupt', { prompt_id: other });
  expect((await ended(emulator, other)).status.status_str).toBe('success');
});

test('history is empty while a prompt waits or runs', async () => {
  const emulator = await start({ timeScale: 100 });
  const ids = [await submit(emulator, graphOf('sdxl-sprite')), await submit(emulator, graphOf('sdxl-sprite'))];
  for (const id of ids) expect(await get(emulator, `/history/${id}`)).toEqual({});
});

test('a restart loses queue, history and cache, keeps the files, and counts from 0 again', async () => {
  const emulator = await start();
  const promptId = await submit(emulator, graphOf('no-model'));
  const { outputs } = await ended(emulator, promptId);
  await emulator.down();
  await expect(fetch(`${emulator.url}/queue`)).rejects.toThrow();
  await emulator.up();
  expect(await get(emulator, `/history/${promptId}`)).toEqual({});
  const file = outputs['4']?.images[0]?.filename ?? '';
  expect((await fetch(`${emulator.url}/view?filename=${file}`)).status).toBe(200);
  const reply = await post(emulator, '/prompt', { prompt: graphOf('no-model'), prompt_id: randomUUID() });
  expect(reply.json).toMatchObject({ number: 0 });
});

describe('/view', () => {
  test('gives ETag, ranges and HEAD', async () => {
    const emulator = await start();
    const { outputs } = await ended(emulator, await submit(emulator, graphOf('no-model')));
    const url = `${emulator.url}/api/view?filename=${outputs['4']?.images[0]?.filename ?? ''}&type=output`;
    const whole = await fetch(url);
    const bytes = Buffer.from(await whole.arrayBuffer());
    const picture = PNG.sync.read(bytes, { checkCRC: true });
    expect([whole.headers.get('content-type'), picture.width, picture.height]).toEqual(['image/png', 256, 256]);
    const etag = whole.headers.get('etag') ?? '';
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const part = await fetch(url, { headers: { range: 'bytes=1-3' } });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([
      206,
      'PNG',
      `bytes 1-3/${bytes.byteLength}`,
    ]);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual([`${bytes.byteLength}`, '']);
  });

  test.each([
    ['filename=none.png', 404],
    ['', 404],
    ['filename=../x.png', 400],
    ['filename=/x.png', 400],
    ['filename=x.png&subfolder=../..', 403],
    ['filename=x.png&type=secret', 400],
  ])('answers %s with %i', async (query, status) => {
    expect((await fetch(`${(await start()).url}/view?${query}`)).status).toBe(status);
  });
});

test('an old server takes any id and calls an unknown class invalid_prompt; a new one has jobs', async () => {
  const prompt = { 1: { class_type: 'Nope', inputs: {} } };
  const old = await start({ profile: 'old' });
  expect((await post(old, '/prompt', { prompt, prompt_id: 'ANY' })).json).toMatchObject({
    error: { type: 'invalid_prompt' },
  });
  expect((await fetch(`${old.url}/api/jobs/x`)).status).toBe(404);
  const recent = await start({ profile: 'new' });
  expect((await post(recent, '/prompt', { prompt, prompt_id: 'ANY' })).json).toMatchObject({
    error: { type: 'invalid_prompt_id' },
  });
  expect((await post(recent, '/prompt', { prompt, prompt_id: randomUUID() })).json).toMatchObject({
    error: { type: 'missing_node_type', extra_info: { node_id: '1', class_type: 'Nope' } },
  });
  const promptId = await submit(recent, graphOf('no-model'));
  await ended(recent, promptId);
  expect(await get(recent, `/api/jobs/${promptId}`)).toMatchObject({ status: 'completed' });
  expect(await get(recent, '/api/jobs/none')).toEqual({ error: 'Job not found' });
});

test('a prompt refused whole lists the errors of each node', async () => {
  const graph = graphOf('sdxl-sprite', { checkpoint: 'none', steps: 20_000 });
  delete graph['3']?.inputs['text'];
  const reply = await post(await start(), '/prompt', { prompt: graph, prompt_id: randomUUID() });
  expect(reply.status).toBe(400);
  expect(reply.json).toMatchObject({
    error: { type: 'prompt_outputs_failed_validation' },
    node_errors: {
      1: { errors: [{ type: 'value_not_in_list' }], dependent_outputs: ['8'], class_type: 'CheckpointLoaderSimple' },
      3: { errors: [{ type: 'required_input_missing', extra_info: { input_name: 'text' } }] },
      6: { errors: [{ type: 'value_bigger_than_max' }] },
    },
  });
});

test('malformed JSON is answered with 500 in plain text', async () => {
  expect(await post(await start(), '/prompt', '{')).toMatchObject({ status: 500, json: null });
});

describe('the WebSocket', () => {
  test('tells a client of its prompt from start to end', async () => {
    const emulator = await start();
    const told = await listen(emulator, 'tester');
    const promptId = await submit(emulator, graphOf('sdxl-sprite', { steps: 2 }));
    await until(() => told.some(({ type, data }) => type === 'executing' && data['node'] === null), 'the end');
    const types = told
      .filter(({ type }) => !['status', 'progress_state', 'executing', 'executed'].includes(type))
      .map(({ type }) => type);
    expect(types).toEqual([
      'execution_start',
      'execution_cached',
      'progress',
      'binary',
      'progress',
      'execution_success',
    ]);
    expect(told.at(-1)).toEqual({ type: 'executing', data: { node: null, prompt_id: promptId } });
  });

  test('of a second listener with the same id silences the first', async () => {
    const emulator = await start();
    const before = await listen(emulator, 'tester');
    const after = await listen(emulator, 'tester');
    await ended(emulator, await submit(emulator, graphOf('no-model')));
    await until(() => after.some(({ type }) => type === 'execution_success'), 'the second');
    expect(before.map(({ type }) => type)).toEqual(['status']);
  });
});

test('the GPU log tells loads, work and gaps', async () => {
  const gpuLog = logPath();
  const emulator = await start({ gpuLog, gpu: 'left', vramGb: 48 });
  const graphs = [
    graphOf('sdxl-sprite', { seed: 1, batch_size: 8 }),
    graphOf('sdxl-sprite', { seed: 2, batch_size: 8 }),
    graphOf('sdxl-sprite', { seed: 3, checkpoint: 'juggernautXL_v9.safetensors' }),
  ];
  for (const graph of graphs) await ended(emulator, await submit(emulator, graph));
  const [report] = reportGpus(readGpuLog(gpuLog));
  expect(report).toMatchObject({
    gpu: 'left',
    images: 17,
    loads: ['sd_xl_base_1.0.safetensors', 'juggernautXL_v9.safetensors'],
    prompts: { success: 3, error: 0, interrupted: 0, lost: 0 },
    gaps: [{ ms: expect.any(Number) }, { ms: expect.any(Number) }],
  });
  expect(report?.busyShare).toBeCloseTo((report?.busyMs ?? 0) / (report?.spanMs ?? 1));
});

test('the busy share is what lies between prompts, over the whole', () => {
  const row = { gpu: 'g', number: 0 };
  const end = { event: 'prompt_end' as const, status: 'success' as const, images: 1, cached: false };
  const [report] = reportGpus([
    { ...row, at: 0, event: 'prompt_start', prompt_id: 'a' },
    { ...row, ...end, at: 90, prompt_id: 'a' },
    { ...row, at: 100, event: 'prompt_start', prompt_id: 'b' },
    { ...row, ...end, at: 200, prompt_id: 'b' },
  ]);
  expect(report).toMatchObject({ busyMs: 190, spanMs: 200, busyShare: 0.95, gaps: [{ afterPrompt: 'a', ms: 10 }] });
});

test('the same graph and seed give the same bytes, another seed others', async () => {
  const bytes = async (seed: number) => {
    const emulator = await start();
    const { outputs } = await ended(emulator, await submit(emulator, graphOf('sdxl-sprite', { seed })));
    const reply = await fetch(`${emulator.url}/view?filename=${outputs['8']?.images[0]?.filename ?? ''}`);
    return PNG.sync.read(Buffer.from(await reply.arrayBuffer())).data;
  };
  expect((await bytes(1)).equals(await bytes(1))).toBe(true);
  expect((await bytes(1)).equals(await bytes(2))).toBe(false);
});

test('a port that is taken, or an option that makes no sense, is a USAGE error', async () => {
  const { port } = await start();
  await expect(startComfyEmulator({ port })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(`${port}`),
  });
  await expect(startComfyEmulator({ vramGb: -1 })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('vramGb'),
  });
});

test('it can be restarted and made to hang over HTTP', async () => {
  const emulator = await start();
  await ended(emulator, await submit(emulator, graphOf('no-model')));
  await post(emulator, '/__emulator/restart?down_ms=1', {});
  await until(async () => JSON.stringify(await get(emulator, '/history').catch(() => 'down')) === '{}', 'the restart');
  expect((await post(emulator, '/__emulator/hang?on=1', {})).json).toEqual({ hanging: true });
  await expect(fetch(`${emulator.url}/queue`, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  await post(emulator, '/__emulator/hang?on=0', {});
  expect(await get(emulator, '/queue')).toEqual({ queue_running: [], queue_pending: [] });
});
