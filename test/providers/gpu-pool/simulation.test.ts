import { describe, expect, test } from 'vitest';
import { randomOf, simulate } from './virtual-gpus.ts';

const seeds = Array.from({ length: 20 }, (_, n) => n + 1);
const runMs = 1_500;
const loadMs = 1_000;

/** Each job draws its checkpoint; `jitter` is how far a run may be from the usual one, as a share of it. */
function randomJobs(seed: number, { count = 100, checkpoints = 2, jitter = 0 } = {}) {
  const random = randomOf(seed);
  return Array.from({ length: count }, () => ({
    gpuClass: 'any',
    checkpoint: `checkpoint-${Math.floor(random() * checkpoints)}`,
    priority: 3,
    owner: 'batch',
    runMs: runMs * (1 + jitter * (2 * random() - 1)),
  }));
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('100 jobs with two checkpoints in random order', () => {
  test.each([
    ['runs of one length', 0],
    ['runs of different lengths', 0.3],
  ])('on four GPUs take at most six loads, and the GPUs are busy: %s', async (_what, jitter) => {
    for (const seed of seeds) {
      const result = await simulate({ gpus: 4, loadMs, jobs: randomJobs(seed, { jitter }) });
      expect(result.loads, `seed ${seed}`).toBeLessThanOrEqual(6);
      expect(result.busyShare, `seed ${seed}`).toBeGreaterThanOrEqual(0.98);
      expect(result.mostJobs).toBe(2);
    }
  });

  test('take one load for each GPU when there are equally many of both', async () => {
    for (const seed of seeds) {
      const random = randomOf(seed);
      const jobs = randomJobs(seed)
        .map((job, n) => ({ ...job, checkpoint: n % 2 === 0 ? 'A' : 'B', at: random() }))
        .sort((a, b) => a.at - b.at);
      expect(await simulate({ gpus: 4, loadMs, jobs }), `seed ${seed}`).toMatchObject({ loads: 4, busyShare: 1 });
    }
  });

  test('that come one by one take no more loads than those that come together', async () => {
    const loads = [];
    for (const seed of seeds) {
      const jobs = randomJobs(seed);
      loads.push((await simulate({ gpus: 4, loadMs, jobs, window: 50, apartMs: 28, latencyMs: 30 })).loads);
    }
    // All but one draw; decided by the first few jobs, it was every third.
    expect(loads.filter((most) => most > 6).length).toBeLessThanOrEqual(1);
    expect(Math.max(...loads)).toBeLessThanOrEqual(8);
  });

  test('of which only 20 are there at a time take few loads more, as one side runs out by chance', async () => {
    const results = [];
    for (const seed of seeds) {
      results.push(
        await simulate({
          gpus: 4,
          loadMs,
          jobs: randomJobs(seed, { jitter: 0.1 }),
          window: 20,
          apartMs: 25,
          latencyMs: 30,
        }),
      );
    }
    const loads = results.map((result) => result.loads);
    expect(mean(loads)).toBeLessThanOrEqual(6);
    expect(Math.max(...loads)).toBeLessThanOrEqual(10);
    expect(Math.min(...results.map((result) => result.busyShare))).toBeGreaterThanOrEqual(0.98);
  });

  test('are grouped on one GPU', async () => {
    for (const seed of seeds) {
      const result = await simulate({ gpus: 1, loadMs, jobs: randomJobs(seed) });
      expect(result.loads, `seed ${seed}`).toBeLessThanOrEqual(4);
      expect(result.busyShare, `seed ${seed}`).toBe(1);
    }
  });

  test('are grouped on one GPU when only 20 are there at a time', async () => {
    for (const seed of seeds) {
      const jobs = randomJobs(seed, { jitter: 0.3 });
      const result = await simulate({ gpus: 1, loadMs, jobs, window: 20, latencyMs: 30 });
      expect(result.loads, `seed ${seed}`).toBeLessThanOrEqual(6);
      expect(result.busyShare, `seed ${seed}`).toBeGreaterThanOrEqual(0.98);
    }
  });
});

test('a GPU does not wait for us between two prompts, because the next one is queued behind', async () => {
  const result = await simulate({
    gpus: 4,
    loadMs,
    jobs: randomJobs(1, { checkpoints: 1, count: 200 }),
    window: 20,
    latencyMs: 300,
  });
  expect(result).toMatchObject({ loads: 4, mostJobs: 2 });
  expect(result.busyShare).toBeGreaterThanOrEqual(0.99);
});

test('eight checkpoints on four GPUs are loaded about once each', async () => {
  for (const seed of seeds) {
    const result = await simulate({ gpus: 4, loadMs: 8_000, jobs: randomJobs(seed, { checkpoints: 8 }) });
    expect(result.loads, `seed ${seed}`).toBeLessThanOrEqual(12);
  }
});
