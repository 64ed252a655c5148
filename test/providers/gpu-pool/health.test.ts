import { afterEach, expect, test } from 'vitest';
import { createGpuPool } from '../../../providers/gpu-pool/pool.ts';
import type { GpuJob, GpuPool } from '../../../providers/gpu-pool/types.ts';
import { promptIdOf } from '../../../providers/comfyui/prompt-id.ts';
import { runPrompt } from '../../../providers/comfyui/run-prompt.ts';
import type { ComfyEmulator } from '../../../emulators/comfyui/server.ts';
import { closeAll, graphOf, start, until } from '../../comfyui.ts';

const never = new AbortController().signal;
const job: GpuJob = { gpuClass: 'any', checkpoint: 'A', priority: 3, owner: 'batch' };
const pools = new Set<GpuPool>();
afterEach(async () => {
  for (const pool of pools) pool.close();
  pools.clear();
  await closeAll();
});

function poolOf(...emulators: ComfyEmulator[]): GpuPool {
  const endpoints = emulators.map(({ url }, n) => ({ name: `gpu-${n}`, url, classes: ['any'] }));
  const pool = createGpuPool({ endpoints, probeMs: 10, probeTimeoutMs: 1_000 });
  pools.add(pool);
  return pool;
}

async function reaches(pool: GpuPool, health: string): Promise<void> {
  await until(() => pool.snapshot().endpoints[0]?.health === health, `an endpoint that is ${health}`);
}

test('an endpoint is used once its first probe has succeeded, and prompts run with the client of the lease', async () => {
  const pool = poolOf(await start({ vramGb: 48 }));
  const { client, device, release } = await pool.acquire(job, never);
  expect(device.vramTotalBytes).toBe(48 * 1024 ** 3);
  const promptId = (submission: number) => promptIdOf('pool', 'item', submission);
  const { outputs } = await runPrompt({ client, graph: graphOf('no-model'), promptId, signal: never });
  expect(outputs.length).toBe(1);
  release();
});

test('jobs of an endpoint that goes down go to others, and it comes back by itself', async () => {
  const [first, second] = [await start(), await start()];
  const pool = poolOf(first, second);
  await reaches(pool, 'alive');
  await first.down();
  await reaches(pool, 'dead');
  const lease = await pool.acquire({ ...job, prefer: 'gpu-0' }, never);
  expect(lease.endpoint.name).toBe('gpu-1');
  await first.up();
  await reaches(pool, 'alive');
  expect((await pool.acquire({ ...job, prefer: 'gpu-0' }, never)).endpoint.name).toBe('gpu-0');
});

test('an endpoint that accepts connections and answers nothing is dead until it answers again', async () => {
  const emulator = await start();
  const pool = poolOf(emulator);
  await reaches(pool, 'alive');
  emulator.hang(true);
  await reaches(pool, 'dead');
  expect(pool.snapshot().endpoints[0]?.error).toBe('gpu-0 did not answer within 1 s.');
  const waiting = pool.acquire(job, never);
  emulator.hang(false);
  expect((await waiting).endpoint.name).toBe('gpu-0');
});

test('jobs wait while no endpoint is alive', async () => {
  const emulator = await start();
  await emulator.down();
  const pool = poolOf(emulator);
  await reaches(pool, 'dead');
  const waiting = pool.acquire(job, never);
  await emulator.up();
  expect((await waiting).endpoint.name).toBe('gpu-0');
});
