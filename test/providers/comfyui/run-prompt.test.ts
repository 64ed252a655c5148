import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { readGpuLog, reportGpus } from '../../../emulators/comfyui/gpu-log.ts';
import type { ComfyEmulatorOptions } from '../../../emulators/comfyui/options.ts';
import type { ComfyEmulator } from '../../../emulators/comfyui/server.ts';
import { createComfyClient, type ComfyClient } from '../../../providers/comfyui/client.ts';
import { promptIdOf } from '../../../providers/comfyui/prompt-id.ts';
import { runPrompt, type PromptProgress, type RunPromptInput } from '../../../providers/comfyui/run-prompt.ts';
import { closeAll, graphOf, logPath, start, until } from '../../comfyui.ts';

const clients = new Set<ComfyClient>();
afterEach(async () => {
  for (const client of clients) client.close();
  clients.clear();
  await closeAll();
});

function connect(emulator: ComfyEmulator, timeoutMs = 15_000): ComfyClient {
  const client = createComfyClient({ baseUrl: emulator.url, timeoutMs });
  clients.add(client);
  return client;
}

/** An emulator with a log, and a run of one item's graph on it. */
async function setUp(options: ComfyEmulatorOptions = {}) {
  const gpuLog = logPath();
  const emulator = await start({ ...options, gpuLog });
  const client = connect(emulator);
  return {
    emulator,
    client,
    run: (more: Partial<RunPromptInput> = {}) =>
      runPrompt({
        client,
        graph: graphOf('sdxl-sprite'),
        promptId: (submission) => promptIdOf('batch', 'item', submission),
        signal: new AbortController().signal,
        pollMs: 20,
        patienceMs: 10_000,
        ...more,
      }),
    /** Prompts the GPU began, and those that ended well. */
    ran: () => {
      const rows = readGpuLog(gpuLog);
      return {
        started: rows.flatMap((row) => (row.event === 'prompt_start' ? [row.prompt_id] : [])),
        prompts: reportGpus(rows)[0]?.prompts,
      };
    },
  };
}

const first = promptIdOf('batch', 'item', 0);
const second = promptIdOf('batch', 'item', 1);

async function running(client: ComfyClient, promptId: string): Promise<void> {
  await until(async () => (await client.look(promptId)).state === 'running', `${promptId} to run`);
}

describe.each(['old', 'new'] as const)('on an %s server', (profile) => {
  test('a graph is run once, and its pictures come back with progress on the way', async () => {
    const { run, ran } = await setUp({ profile, timeScale: 0.1, vramGb: 48 });
    const told: PromptProgress[] = [];
    const result = await run({
      graph: graphOf('sdxl-sprite', { batch_size: 4 }),
      onProgress: (progress) => told.push(progress),
    });
    expect(result).toMatchObject({ promptId: first, submission: 0, reattached: false });
    expect(result.outputs.map(({ mimeType }) => mimeType)).toEqual(Array.from({ length: 4 }, () => 'image/png'));
    expect(result.endedAt).toBeGreaterThan(result.startedAt ?? Infinity);
    expect(ran().started).toEqual([first]);
    expect(told[0]).toMatchObject({ state: 'submitted', promptId: first, submission: 0 });
    expect(told.filter(({ step }) => step?.max === 20 && step.node === '6').length).toBeGreaterThan(0);
  });

  test('a second run while the first goes on re-attaches, and the graph runs once', async () => {
    const { client, emulator, run, ran } = await setUp({ profile, timeScale: 0.1 });
    const killed = new AbortController();
    const earlier = run({ signal: killed.signal, keepOnAbort: () => true }).catch(() => 'killed');
    await running(client, first);
    killed.abort();
    expect(await earlier).toBe('killed');
    expect(await run({ client: connect(emulator) })).toMatchObject({ promptId: first, reattached: true });
    expect(ran()).toMatchObject({ started: [first], prompts: { success: 1 } });
  });

  test('one that ended meanwhile is collected, not run again', async () => {
    const { run, ran } = await setUp({ profile });
    const before = await run();
    const after = await run();
    expect(after).toMatchObject({ promptId: first, reattached: true });
    expect(after.outputs).toEqual(before.outputs);
    expect(ran().started).toEqual([first]);
  });

  test('one that a restart loses is sent again under the next id', async () => {
    const { client, emulator, run, ran } = await setUp({ profile, timeScale: 0.05 });
    const result = run();
    await running(client, first);
    await emulator.restart(50);
    expect(await result).toMatchObject({ promptId: second, submission: 1, reattached: false });
    expect(ran()).toMatchObject({ started: [first, second], prompts: { lost: 1, success: 1 } });
  });

  test('an abort cancels our prompt and no other', async () => {
    const { client, emulator, run, ran } = await setUp({ profile, timeScale: 0.1 });
    const stranger = connect(emulator);
    const theirs = promptIdOf('a', 'stranger', 0);
    const cancelling = new AbortController();
    const result = run({ signal: cancelling.signal }).catch((error: unknown) => error);
    await running(client, first);
    await stranger.submit({ graph: graphOf('sdxl-sprite', { seed: 5 }), promptId: theirs });
    cancelling.abort('the batch is cancelled');
    expect(await result).toBe('the batch is cancelled');
    await until(async () => (await stranger.look(theirs)).state === 'succeeded', 'the stranger’s prompt');
    expect(await client.look(first)).toEqual({ state: 'interrupted' });
    expect(ran().prompts).toMatchObject({ interrupted: 1, success: 1 });
  });

  test('too large a batch is OUT_OF_MEMORY, and a smaller one then runs', async () => {
    const { run } = await setUp({ profile, vramGb: 24 });
    await expect(run({ graph: graphOf('sdxl-sprite', { batch_size: 8 }) })).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
      message: expect.stringContaining('node 6 (KSampler)'),
    });
    expect((await run({ graph: graphOf('sdxl-sprite', { batch_size: 4 }) })).outputs).toHaveLength(4);
  });
});

test('a run that begins without a memory finds the prompt that was sent again', async () => {
  const { client, emulator, run, ran } = await setUp({ timeScale: 0.1 });
  const killed = new AbortController();
  const earlier = run({ signal: killed.signal, keepOnAbort: () => true }).catch(() => 'killed');
  await running(client, first);
  await emulator.restart();
  await running(client, second);
  killed.abort();
  await earlier;
  expect(await run()).toMatchObject({ promptId: second, submission: 1, reattached: true });
  expect(ran().started).toEqual([first, second]);
});

test('a queue lost in a restart is sent again whole, and every prompt ends well once', async () => {
  const { emulator, run, ran } = await setUp({ timeScale: 0.02 });
  const results = Array.from({ length: 6 }, (_, n) =>
    run({
      graph: graphOf('sdxl-sprite', { seed: n, filename_prefix: `b/item-${n}` }),
      promptId: (submission) => promptIdOf('batch', `item-${n}`, submission),
      expectedFiles: [{ filename: `item-${n}_00001_.png`, subfolder: 'b', type: 'output' }],
    }),
  );
  await until(() => ran().started.length === 2, 'the second prompt');
  await emulator.restart(100);
  expect((await Promise.all(results)).map(({ outputs }) => outputs.length)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(ran().prompts).toMatchObject({ success: 6 });
});

test('what a prompt made before a restart is collected although the server has forgotten it', async () => {
  const { emulator, run, ran } = await setUp();
  const graph = graphOf('sdxl-sprite', { batch_size: 2, filename_prefix: 'b/one' });
  const before = await run({ graph });
  await emulator.restart();
  const expectedFiles = before.outputs.map(({ filename, subfolder, type }) => ({ filename, subfolder, type }));
  const after = await run({ graph, expectedFiles });
  expect(after).toMatchObject({ promptId: first, reattached: true });
  expect(after.outputs.map(({ data }) => data)).toEqual(before.outputs.map(({ data }) => data));
  expect(ran().started).toEqual([first]);
});

test('a submission whose answer is lost is found in the queue, not sent twice', async () => {
  const { run, ran } = await setUp({
    timeScale: 0.05,
    faults: { rules: [{ match: 'POST /prompt', fault: 'cut', times: 1 }] },
  });
  expect(await run()).toMatchObject({ promptId: first, submission: 0 });
  expect(ran().started).toEqual([first]);
});

test('a submission that never arrived is sent again under its id, and given up when none ever arrives', async () => {
  const refusal = { match: 'POST /prompt', fault: 'server_error' as const };
  const once = await setUp({ faults: { rules: [{ ...refusal, times: 1 }] } });
  expect(await once.run()).toMatchObject({ promptId: first, submission: 0, reattached: false });
  expect(once.ran().started).toEqual([first]);
  const always = await setUp({ faults: { rules: [refusal] } });
  await expect(always.run({ patienceMs: 100 })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(always.ran().started).toEqual([]);
});

test('a server that hangs is TIMEOUT as soon as patience ends', async () => {
  const { emulator, run } = await setUp();
  emulator.hang(true);
  const message = expect.stringContaining('did not answer within 0.1 s');
  await expect(run({ patienceMs: 100 })).rejects.toMatchObject({ code: 'TIMEOUT', message });
});

test('a prompt that got in twice runs once', async () => {
  const { client, run, ran } = await setUp({ timeScale: 0.05 });
  for (let n = 0; n < 2; n++) await client.submit({ graph: graphOf('sdxl-sprite'), promptId: first });
  expect(await run()).toMatchObject({ promptId: first, reattached: true });
  expect(ran().started).toEqual([first]);
});

test('slow and cut replies on the way do no harm', async () => {
  const rates = { cut: 0.2, slow: 0.2, server_error: 0.2 };
  const rules = [{ match: 'POST /prompt', fault: 'slow' as const }];
  const { run, ran } = await setUp({ timeScale: 0.05, seed: 3, faults: { rates, rules, slow_ms: 20 } });
  expect((await run()).outputs).toHaveLength(1);
  expect(ran().prompts).toMatchObject({ success: 1 });
});

test('a file deleted on the server is made again', async () => {
  const { emulator, run, ran } = await setUp();
  await run();
  for (const file of readdirSync(join(emulator.directory, 'output'))) rmSync(join(emulator.directory, 'output', file));
  const result = await run();
  expect(result).toMatchObject({ promptId: second, reattached: false });
  expect(result.outputs).toHaveLength(1);
  expect(ran().started).toEqual([first, second]);
});

test('a failed node is EXECUTION_FAILED that names it; the next run sends the graph again', async () => {
  const { run } = await setUp({ faults: { rules: [{ fault: 'execution_error', times: 1 }] } });
  await expect(run()).rejects.toMatchObject({
    code: 'EXECUTION_FAILED',
    message: expect.stringContaining('node 6 (KSampler): RuntimeError'),
  });
  expect(await run()).toMatchObject({ promptId: second, submission: 1 });
});

test('a graph with a node that is not installed fails at once', async () => {
  const { run, ran } = await setUp();
  const graph = { ...graphOf('sdxl-sprite'), 9: { class_type: 'FancyUpscale', inputs: {} } };
  await expect(run({ graph })).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('FancyUpscale'),
  });
  expect(ran().started).toEqual([]);
});

test('a prompt that somebody else interrupts is UNAVAILABLE', async () => {
  const { client, run } = await setUp({ timeScale: 0.1 });
  const result = run();
  await running(client, first);
  await client.interrupt(first);
  await expect(result).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('interrupted') });
});

test('a server that hangs is TIMEOUT once patience is over, and the prompt is collected when it is back', async () => {
  const { emulator, client, run, ran } = await setUp({ timeScale: 0.1 });
  const impatient = run({ client: connect(emulator, 100), patienceMs: 200 }).catch((error: unknown) => error);
  await running(client, first);
  emulator.hang(true);
  expect(await impatient).toMatchObject({ code: 'TIMEOUT' });
  emulator.hang(false);
  expect(await run()).toMatchObject({ promptId: first, reattached: true });
  expect(ran().started).toEqual([first]);
});

test('provenance given with the prompt is in the file', async () => {
  const { run } = await setUp();
  const { outputs } = await run({ extraData: { extra_pnginfo: { sluice: { batch: 'b1' } } } });
  const text = outputs[0]?.data.toString('latin1') ?? '';
  expect(text).toContain('tEXtsluice\0{"batch":"b1"}');
  expect(text).toContain('tEXtprompt\0{"1":{"class_type":"CheckpointLoaderSimple"');
});
