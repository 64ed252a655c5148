import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ComfyEmulatorOptions } from '../../../emulators/comfyui/options.ts';
import type { ComfyEmulator } from '../../../emulators/comfyui/server.ts';
import { createComfyClient, type ComfyClient } from '../../../providers/comfyui/client.ts';
import type { ComfyLook } from '../../../providers/comfyui/look.ts';
import { promptIdOf } from '../../../providers/comfyui/prompt-id.ts';
import { closeAll, graphOf, longGraph, start, until } from '../../comfyui.ts';

const clients = new Set<ComfyClient>();
const servers = new Set<Server>();
afterEach(async () => {
  for (const client of clients) client.close();
  clients.clear();
  for (const server of servers) server.close().closeAllConnections();
  servers.clear();
  await closeAll();
});

function connect(
  emulator: Pick<ComfyEmulator, 'url'>,
  options: { timeoutMs?: number; clientId?: string } = {},
): ComfyClient {
  const client = createComfyClient({ baseUrl: emulator.url, ...options });
  clients.add(client);
  return client;
}

async function connected(options: ComfyEmulatorOptions = {}): Promise<ComfyClient> {
  return connect(await start(options));
}

async function submitted(client: ComfyClient, graph = graphOf('no-model')): Promise<string> {
  const promptId = randomUUID();
  await client.submit({ graph, promptId });
  return promptId;
}

async function ended(client: ComfyClient, promptId: string): Promise<ComfyLook> {
  let look: ComfyLook = { state: 'unknown' };
  await until(async () => {
    look = await client.look(promptId);
    return look.state !== 'pending' && look.state !== 'running';
  }, `the end of ${promptId}`);
  return look;
}

describe.each(['old', 'new'] as const)('on an %s server', (profile) => {
  test('a graph runs, and its pictures are downloaded', async () => {
    const client = await connected({ profile });
    const promptId = await submitted(client, graphOf('no-model', { batch_size: 2 }));
    const look = await ended(client, promptId);
    expect(look).toMatchObject({ state: 'succeeded', startedAt: expect.any(Number), endedAt: expect.any(Number) });
    const outputs = look.state === 'succeeded' ? look.outputs : [];
    expect(outputs.map(({ filename, node, kind }) => [filename, node, kind])).toEqual([
      ['square_00001_.png', '4', 'images'],
      ['square_00002_.png', '4', 'images'],
    ]);
    const file = await client.view(outputs[0]!);
    expect(file?.mimeType).toBe('image/png');
    expect(file?.data.subarray(0, 8).toString('hex')).toBe('89504e470d0a1a0a');
  });

  test('the queue is given in the order prompts will run', async () => {
    const client = await connected({ profile, timeScale: 100 });
    const ids: string[] = [];
    for (let n = 0; n < 8; n++) ids.push(await submitted(client, graphOf('sdxl-sprite', { seed: n })));
    await client.deletePending(ids[3]!);
    const queue = await client.queue();
    expect(queue.running).toEqual([{ number: 0, promptId: ids[0] }]);
    expect(queue.pending.map(({ promptId }) => promptId)).toEqual(ids.filter((_, n) => n !== 0 && n !== 3));
    expect(await client.look(ids[0]!)).toEqual({ state: 'running', duplicates: 0 });
    expect(await client.look(ids[2]!)).toEqual({ state: 'pending', position: 1 });
    expect(await client.look(ids[3]!)).toEqual({ state: 'unknown' });
  });

  test('the version, the GPU and its memory are known', async () => {
    const client = await connected({ profile, vramGb: 48, deviceName: 'cuda:0 A6000' });
    expect(await client.systemStats()).toEqual({
      version: profile === 'old' ? '0.3.64' : '0.30.0',
      devices: [{ name: 'cuda:0 A6000', type: 'cuda', vramTotalBytes: 48 * 1024 ** 3, vramFreeBytes: 48 * 1024 ** 3 }],
    });
  });

  test('a class that is not installed is INVALID_INPUT that names it', async () => {
    const client = await connected({ profile });
    const graph = { ...graphOf('no-model'), 9: { class_type: 'FancyUpscale', inputs: {} } };
    await expect(submitted(client, graph)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('FancyUpscale'),
    });
  });

  test('a checkpoint that is not installed is INVALID_INPUT that names node and value', async () => {
    const client = await connected({ profile });
    await expect(submitted(client, graphOf('sdxl-sprite', { checkpoint: 'none.safetensors' }))).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(
        /node 1 \(CheckpointLoaderSimple\): Value not in list: ckpt_name: 'none\.safetensors'/,
      ),
    });
  });

  test('node errors with status 200 are INVALID_INPUT, and the rest of the graph is not run', async () => {
    const client = await connected({ profile, timeScale: 100 });
    const blocker = await submitted(client, graphOf('sdxl-sprite'));
    const graph = { ...graphOf('no-model'), 9: { class_type: 'SaveImage', inputs: { images: ['3', 0] } } };
    await expect(submitted(client, graph)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('node 9 (SaveImage): Required input is missing: filename_prefix'),
    });
    const { running, pending } = await client.queue();
    expect([running.map(({ promptId }) => promptId), pending]).toEqual([[blocker], []]);
  });

  test('an execution error tells node, exception and message', async () => {
    const client = await connected({ profile, faults: { rules: [{ fault: 'execution_error' }] } });
    expect(await ended(client, await submitted(client))).toEqual({
      state: 'failed',
      node: '3',
      nodeType: 'EmptyImage',
      type: 'RuntimeError',
      message: 'A seeded fault of EmptyImage.',
    });
  });

  test('cancel takes out what waits, interrupts what runs, and leaves a stranger’s prompts alone', async () => {
    const emulator = await start({ profile, timeScale: 0.2 });
    const [ours, stranger] = [connect(emulator), connect(emulator)];
    const first = await submitted(stranger, graphOf('sdxl-sprite', { seed: 1 }));
    const waiting = await submitted(ours, graphOf('sdxl-sprite', { seed: 2 }));
    // An interrupt acts before the next node, so one that has many is met in the middle however slow we are.
    const next = await submitted(ours, longGraph());
    const last = await submitted(stranger, graphOf('sdxl-sprite', { seed: 4 }));
    expect(await ours.cancel(waiting)).toEqual({ state: 'unknown' });
    expect((await ours.look(first)).state).toBe('running');
    await until(async () => (await ours.look(next)).state === 'running', 'our prompt to run');
    expect(await ours.cancel(next)).toEqual({ state: 'interrupted' });
    expect([await ended(stranger, first), await ended(stranger, last)]).toMatchObject([
      { state: 'succeeded' },
      { state: 'succeeded' },
    ]);
    expect(await ours.cancel(first)).toMatchObject({ state: 'succeeded' });
  });

  test('an upload may get another name, and becomes a source image', async () => {
    const client = await connected({ profile });
    const promptId = await submitted(client);
    const look = await ended(client, promptId);
    const picture = look.state === 'succeeded' ? await client.view(look.outputs[0]!) : null;
    const upload = (data: Uint8Array) => client.upload({ name: 'u.png', mimeType: 'image/png', data });
    expect(await upload(picture!.data)).toBe('u.png');
    expect(await upload(picture!.data)).toBe('u.png');
    expect(await upload(Buffer.concat([picture!.data, picture!.data]))).toBe('u (1).png');
    const graph = {
      1: { class_type: 'LoadImage', inputs: { image: 'u.png' } },
      2: { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'copy' } },
    };
    expect(await ended(client, await submitted(client, graph))).toMatchObject({ state: 'succeeded' });
  });
});

test.each(['both', 'api', 'bare'] as const)('a server whose routes are at %s is found out', async (routes) => {
  const client = await connected({ routes });
  expect(await ended(client, await submitted(client))).toMatchObject({ state: 'succeeded' });
});

test('a file that is gone is null', async () => {
  const emulator = await start();
  const client = connect(emulator);
  const look = await ended(client, await submitted(client));
  for (const file of readdirSync(join(emulator.directory, 'output'))) rmSync(join(emulator.directory, 'output', file));
  expect(look.state === 'succeeded' && (await client.view(look.outputs[0]!))).toBeNull();
});

test('what is installed can be asked for', async () => {
  const client = await connected({ checkpoints: ['a.safetensors', 'b.safetensors'] });
  expect(await client.choices('CheckpointLoaderSimple', 'ckpt_name')).toEqual(['a.safetensors', 'b.safetensors']);
  expect(await client.choices('NoSuchClass', 'x')).toEqual([]);
});

test('freeing models gives the memory back', async () => {
  const client = await connected();
  const free = async () => (await client.systemStats()).devices[0]!.vramFreeBytes / 1024 ** 3;
  await ended(client, await submitted(client, graphOf('sdxl-sprite')));
  expect(await free()).toBeLessThan(24);
  await client.free({ cache: false });
  expect(await free()).toBe(24);
});

describe('a server that cannot be used is', () => {
  test('UNAVAILABLE when it refuses connections', async () => {
    const emulator = await start();
    await emulator.down();
    await expect(connect(emulator).queue()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('TIMEOUT when it hangs', async () => {
    const emulator = await start();
    const client = connect(emulator, { timeoutMs: 100 });
    await client.queue();
    emulator.hang(true);
    await expect(client.queue()).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('UNAVAILABLE when its reply breaks off', async () => {
    const client = await connected({ faults: { rules: [{ match: 'GET /queue', fault: 'cut' }] } });
    await expect(client.queue()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('slow, and answers all the same', async () => {
    const client = await connected({ faults: { rules: [{ match: 'GET /queue', fault: 'slow' }], slow_ms: 50 } });
    expect(await client.queue()).toEqual({ running: [], pending: [] });
  });

  test.each([
    [500, 'Server got itself in trouble', 'UNAVAILABLE'],
    [413, 'Request Entity Too Large', 'INVALID_INPUT'],
    [401, 'Unauthorized', 'AUTH'],
    [502, '<html>', 'UNAVAILABLE'],
    [200, '<html>', 'UNAVAILABLE'],
    [400, JSON.stringify({ error: 'no prompt', node_errors: [] }), 'INVALID_INPUT'],
    [200, JSON.stringify({ prompt_id: 'another', number: 1, node_errors: {} }), 'CONFIG_INVALID'],
  ])('told by a submission answered %i %s: %s', async (status, text, code) => {
    const client = connect(await listen({ 'POST /prompt': [status, text] }));
    await expect(submitted(client)).rejects.toMatchObject({ code });
  });

  test('UNAVAILABLE when something else answers there', async () => {
    const client = connect(
      await listen({ 'GET /system_stats': [200, '<html>'], 'GET /api/system_stats': [200, '<html>'] }),
    );
    await expect(client.queue()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('no ComfyUI'),
    });
  });
});

test('an address that is none is CONFIG_INVALID', () => {
  expect(() => createComfyClient({ baseUrl: 'gpu-1:8188' })).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});

test('a graph of over 100 MiB is INVALID_INPUT', async () => {
  const client = await connected();
  const graph = graphOf('no-model', { prompt: 'x'.repeat(100 * 1024 ** 2) });
  await expect(submitted(client, graph)).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('413'),
  });
});

test('progress comes over the WebSocket, also after the server was away', async () => {
  const emulator = await start();
  const client = connect(emulator);
  const steps = async (seed: number) => {
    const promptId = randomUUID();
    const seen: number[] = [];
    let done = false;
    const stop = client.watch(promptId, (event) => {
      if (event.event === 'progress') seen.push(event.value);
      if (event.event === 'ended') done = true;
    });
    // Nothing is replayed: what is submitted before the socket is open may be over by then.
    await until(async () => {
      await client.submit({ graph: graphOf('sdxl-sprite', { seed: seed++, steps: 4 }), promptId });
      await ended(client, promptId);
      return done;
    }, 'an event');
    stop();
    return seen;
  };
  expect(await steps(0)).toContain(4);
  const promptId = randomUUID();
  const stop = client.watch(promptId, () => undefined);
  await emulator.restart();
  expect(await steps(100)).toContain(4);
  stop();
});

test('prompt ids follow from batch, item and attempt, and are lowercase UUIDs', () => {
  const id = promptIdOf('batch', 'item', 0);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(promptIdOf('batch', 'item', 0)).toBe(id);
  const others = [
    promptIdOf('batch', 'item', 1),
    promptIdOf('batch', 'other', 0),
    promptIdOf('other', 'item', 0),
    promptIdOf('batchi', 'tem', 0),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
});

/** A server that answers some routes with given replies, and is else just enough of a ComfyUI. */
async function listen(replies: Record<string, [number, string]>): Promise<{ url: string }> {
  const usual: Record<string, [number, string]> = {
    'GET /system_stats': [200, '{"devices":[]}'],
    'GET /queue': [200, '{"queue_running":[],"queue_pending":[]}'],
  };
  const answer: RequestListener = (request, response) => {
    const route = `${request.method ?? ''} ${request.url ?? ''}`;
    const [status, text] = replies[route] ?? usual[route] ?? [200, '{}'];
    request.resume().once('end', () => response.writeHead(status).end(text));
  };
  const server = createServer(answer);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}` };
}
