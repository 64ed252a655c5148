import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import type { ComfyClient } from '../../../providers/comfyui/client.ts';
import { mostOvertakes } from '../../../providers/gpu-pool/decide.ts';
import { createGpuPool } from '../../../providers/gpu-pool/pool.ts';
import type { GpuJob, GpuLease, GpuPool } from '../../../providers/gpu-pool/types.ts';
import { VirtualClock } from '../limiter/virtual-clock.ts';
import { aliveClient, clientThat } from './fake-client.ts';

const never = new AbortController().signal;
const pools = new Set<GpuPool>();
afterEach(() => {
  for (const pool of pools) pool.close();
  pools.clear();
});

async function poolOf(clients: Record<string, ComfyClient>, clock = new VirtualClock()): Promise<GpuPool> {
  const endpoints = Object.keys(clients).map((name) => ({
    name,
    url: `http://${name}`,
    classes: ['any', `only-${name}`],
  }));
  const pool = createGpuPool({ endpoints, createClient: ({ name }) => clients[name]!, clock });
  pools.add(pool);
  await turn();
  return pool;
}

const job = (checkpoint: string | null, more: Partial<GpuJob> = {}): GpuJob => {
  return { gpuClass: 'any', checkpoint, priority: 3, owner: 'batch', ...more };
};

/** Asks for a place; `lease` is filled when it was given. */
function ask(pool: GpuPool, wanted: GpuJob, signal = never): { lease: GpuLease | undefined; error: unknown } {
  const asked: { lease: GpuLease | undefined; error: unknown } = { lease: undefined, error: undefined };
  pool.acquire(wanted, signal).then(
    (lease) => (asked.lease = lease),
    (error: unknown) => (asked.error = error),
  );
  return asked;
}

describe('a place', () => {
  test('is given at once when one is free, with the client and the device of the endpoint', async () => {
    const client = aliveClient(12e9);
    const pool = await poolOf({ gpu: client });
    const lease = await pool.acquire(job('A'), never);
    expect(lease.client).toBe(client);
    expect(lease).toMatchObject({
      endpoint: { name: 'gpu', url: 'http://gpu' },
      device: { name: 'cuda:0', vramTotalBytes: 24e9, vramFreeBytes: 12e9 },
    });
  });

  test('that is given back goes to the next job, once, however often it is given back', async () => {
    const pool = await poolOf({ gpu: aliveClient() });
    const first = await pool.acquire(job('A'), never);
    await pool.acquire(job('A'), never);
    const [third, fourth] = [ask(pool, job('A')), ask(pool, job('A'))];
    await turn();
    expect(third.lease).toBeUndefined();
    first.release({ runMs: 1_000 });
    first.release();
    await turn();
    expect(third.lease).toBeDefined();
    expect(fourth.lease).toBeUndefined();
  });

  test('tells of the device what the latest probe saw', async () => {
    const clock = new VirtualClock();
    let free = 12e9;
    const pool = await poolOf({ gpu: clientThat(() => Promise.resolve(free)) }, clock);
    const lease = await pool.acquire(job('A'), never);
    free = 3e9;
    await clock.advance(5_000);
    expect(lease.device.vramFreeBytes).toBe(3e9);
  });
});

describe('waiting', () => {
  test('ends with the reason of the signal, and the next job is not held up', async () => {
    const pool = await poolOf({ gpu: aliveClient() });
    const leases = [await pool.acquire(job('A'), never), await pool.acquire(job('A'), never)];
    const abort = new AbortController();
    const [given, next] = [ask(pool, job('A', { priority: 1 }), abort.signal), ask(pool, job('A'))];
    await turn();
    abort.abort(new Error('cancelled'));
    leases[0]?.release();
    await turn();
    expect(given).toEqual({ lease: undefined, error: new Error('cancelled') });
    expect(next.lease).toBeDefined();
    await expect(pool.acquire(job('A'), abort.signal)).rejects.toThrow('cancelled');
  });

  test('for a class that no endpoint serves is refused, naming those that exist', async () => {
    const pool = await poolOf({ a: aliveClient(), b: aliveClient() });
    await expect(pool.acquire(job('A', { gpuClass: '80gb' }), never)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: 'No GPU endpoint serves the class 80gb; there are any, only-a, only-b.',
    });
    const none = await poolOf({});
    await expect(none.acquire(job('A'), never)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('ends when the pool is closed, and a closed pool takes no more', async () => {
    const pool = await poolOf({ gpu: clientThat(() => new Promise(() => undefined)) });
    const asked = ask(pool, job('A'));
    pool.close();
    await turn();
    expect(asked.error).toMatchObject({ code: 'UNAVAILABLE' });
    await expect(pool.acquire(job('A'), never)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('of owners takes turns over all endpoints', async () => {
    const pool = await poolOf({ a: aliveClient(), b: aliveClient() });
    const asked = ['x', 'x', 'x', 'x', 'x', 'x', 'y', 'y'].map((owner) => ask(pool, job('A', { owner })));
    await turn();
    expect(asked.map(({ lease }) => lease !== undefined)).toEqual([true, true, false, false, false, false, true, true]);
  });

  test('for a checkpoint that is not loaded ends, however many jobs come for the one that is', async () => {
    const pool = await poolOf({ gpu: aliveClient() });
    const leases = [await pool.acquire(job('A'), never), await pool.acquire(job('A'), never)];
    const asked = ask(pool, job('B'));
    for (let n = 0; n <= mostOvertakes; n++) {
      expect(asked.lease).toBeUndefined();
      const next = ask(pool, job('A'));
      leases.shift()?.release({ runMs: 1_000 });
      await turn();
      if (next.lease !== undefined) leases.push(next.lease);
    }
    expect(asked.lease).toBeDefined();
  });

  test('for a checkpoint that is not loaded ends shortly before the endpoint has done what it has', async () => {
    const clock = new VirtualClock();
    const pool = await poolOf({ gpu: aliveClient() }, clock);
    for (const runMs of [9_000, 3_000]) (await pool.acquire(job('A'), never)).release({ runMs });
    const first = await pool.acquire(job('A'), never);
    await pool.acquire(job('A'), never);
    await clock.advance(3_000);
    first.release({ runMs: 3_000 });
    const asked = ask(pool, job('B'));
    await clock.advance(2_400);
    expect(asked.lease).toBeUndefined();
    await clock.advance(200);
    expect(asked.lease).toBeDefined();
  });

  test('beside an idle endpoint, because another is nearly there, ends after a load at the latest', async () => {
    const clock = new VirtualClock();
    const pool = await poolOf({ a: aliveClient(), b: aliveClient() }, clock);
    for (const name of ['a', 'b']) {
      for (const runMs of [9_000, 3_000]) {
        (await pool.acquire(job(`of ${name}`, { gpuClass: `only-${name}` }), never)).release({ runMs });
      }
    }
    await pool.acquire(job('of a', { gpuClass: 'only-a' }), never);
    await clock.advance(2_900);
    await pool.acquire(job('of a', { gpuClass: 'only-a' }), never);
    const asked = ask(pool, job('of a'));
    await clock.advance(5_900);
    expect(asked.lease).toBeUndefined();
    await clock.advance(200);
    expect(asked.lease?.endpoint.name).toBe('b');
  });
});

describe('what is loaded', () => {
  const loaded = (pool: GpuPool) => pool.snapshot().endpoints[0]?.checkpoint;

  test('is the checkpoint of the job the endpoint was given last, if that job ran', async () => {
    const pool = await poolOf({ gpu: aliveClient() });
    (await pool.acquire(job('A'), never)).release({ runMs: 1_000 });
    (await pool.acquire(job(null), never)).release({ runMs: 1_000 });
    expect(loaded(pool)).toBe('A');
    const refused = await pool.acquire(job('B'), never);
    expect(loaded(pool)).toBe('B');
    refused.release();
    expect(loaded(pool)).toBe('A');
  });

  test('is what the last job says it left', async () => {
    const pool = await poolOf({ gpu: aliveClient() });
    const [first, last] = [await pool.acquire(job('A'), never), await pool.acquire(job('A'), never)];
    first.release({ runMs: 1_000, checkpoint: null });
    expect(loaded(pool)).toBe('A');
    last.release({ runMs: 1_000, checkpoint: null });
    expect(loaded(pool)).toBeNull();
  });
});

describe('an endpoint', () => {
  test('that did not answer a job takes no more until a probe that started after that succeeds', async () => {
    const clock = new VirtualClock();
    const probes: (() => void)[] = [];
    const slow = clientThat(() => new Promise((resolve) => probes.push(() => resolve(20e9))));
    const pool = await poolOf({ gpu: slow }, clock);
    probes.shift()?.();
    const lease = await pool.acquire(job('A'), never);
    await clock.advance(5_000);
    expect(probes.length).toBe(1);
    lease.release({ failed: true });
    const asked = ask(pool, job('A'));
    probes.shift()?.();
    await turn();
    expect(asked.lease).toBeUndefined();
    expect(pool.snapshot().endpoints[0]).toMatchObject({ health: 'dead', checkpoint: null, running: 0 });
    await clock.advance(5_000);
    probes.shift()?.();
    await turn();
    expect(asked.lease).toBeDefined();
  });

  test('that was dead is not believed to have anything loaded, and keeps the places of jobs that are still on it', async () => {
    const clock = new VirtualClock();
    let alive = true;
    const client = clientThat(() => (alive ? Promise.resolve(20e9) : Promise.reject(new Error('refused'))));
    const pool = await poolOf({ gpu: client }, clock);
    const lease = await pool.acquire(job('A'), never);
    alive = false;
    await clock.advance(5_000);
    expect(pool.snapshot().endpoints[0]).toMatchObject({
      health: 'dead',
      error: 'refused',
      checkpoint: null,
      running: 1,
    });
    alive = true;
    await clock.advance(5_000);
    expect(pool.snapshot().endpoints[0]).toMatchObject({ health: 'alive', error: null, checkpoint: null, running: 1 });
    lease.release({ runMs: 1_000 });
    expect(pool.snapshot().endpoints[0]).toMatchObject({ checkpoint: 'A', running: 0 });
  });

  test('that a job has to go to and that dies sets the job free for others', async () => {
    const clock = new VirtualClock();
    let alive = true;
    const mortal = clientThat(() => (alive ? Promise.resolve(20e9) : Promise.reject(new Error('refused'))));
    const pool = await poolOf({ mortal, other: aliveClient() }, clock);
    const full = [0, 1].map(() => ask(pool, job('A', { gpuClass: 'only-mortal' })));
    await turn();
    expect(full.map(({ lease }) => lease?.endpoint.name)).toEqual(['mortal', 'mortal']);
    const asked = ask(pool, job('A', { prefer: 'mortal' }));
    await turn();
    expect(asked.lease).toBeUndefined();
    alive = false;
    await clock.advance(5_000);
    expect(asked.lease?.endpoint.name).toBe('other');
  });
});

test('two endpoints of one name are refused', () => {
  const endpoint = { name: 'gpu', url: 'http://gpu', classes: ['any'] };
  expect(() => createGpuPool({ endpoints: [endpoint, endpoint] })).toThrow('Two GPU endpoints are called gpu.');
});

test('a snapshot tells health, what is loaded, what runs and what waits', async () => {
  const clock = new VirtualClock();
  const pool = await poolOf({ a: aliveClient(), b: clientThat(() => Promise.reject(new Error('refused'))) }, clock);
  for (let n = 0; n < 3; n++) ask(pool, job('A', { owner: `owner-${n}` }));
  ask(pool, job('A', { gpuClass: 'only-b', priority: 1 }));
  await clock.advance(2_000);
  const { endpoints, waiting } = pool.snapshot();
  expect(endpoints).toEqual([
    {
      name: 'a',
      url: 'http://a',
      classes: ['any', 'only-a'],
      health: 'alive',
      healthForMs: 2_000,
      error: null,
      device: { name: 'cuda:0', vramTotalBytes: 24e9, vramFreeBytes: 20e9 },
      checkpoint: 'A',
      running: 1,
      queued: 1,
    },
    expect.objectContaining({ name: 'b', health: 'dead', error: 'refused', device: null, running: 0, queued: 0 }),
  ]);
  expect(waiting).toEqual([
    { gpuClass: 'any', priority: 3, jobs: 1 },
    { gpuClass: 'only-b', priority: 1, jobs: 1 },
  ]);
});
