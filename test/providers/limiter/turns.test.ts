import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLimiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import type { Permit } from '../../../providers/limiter/permit.ts';
import { VirtualClock } from './virtual-clock.ts';

const never = new AbortController().signal;
const minute = 60_500;

interface Demand {
  project: string;
  batch: string;
  priority?: number;
  calls: number;
  tokens?: number;
  runMs?: number;
  atMs?: number;
}

/** Lets all demands wait on one model and returns whose calls were let through, in order. */
async function serve(model: Omit<LimitKey, 'key'>, demands: Demand[], forMs: number) {
  const clock = new VirtualClock();
  const limiter = createLimiter({ path: ':memory:', clock });
  onTestFinished(() => {
    limiter.close();
  });
  const start = clock.now();
  const served: (Demand & { servedMs: number })[] = [];
  for (const demand of demands) {
    const { project, batch, priority = 3, calls, tokens = 0, runMs = 10, atMs = 0 } = demand;
    const begin = (): void => {
      const keys = [{ key: 'model', ...model }, { key: batch }];
      for (let call = 0; call < calls; call += 1) {
        limiter.acquire(keys, { tokens, images: 0 }, never, { priority, project }).then(
          (permit: Permit) => {
            served.push({ ...demand, servedMs: clock.now() - start });
            permit.sent();
            clock.after(runMs, permit.release);
          },
          () => undefined,
        );
      }
    };
    if (atMs === 0) begin();
    else clock.after(atMs, begin);
  }
  await clock.advance(forMs);
  return { served, of: (project: string) => served.filter((one) => one.project === project) };
}

describe('projects that wait for one model', () => {
  test.each<[string, Omit<LimitKey, 'key'>]>([
    ['requests', { requestsPerMinute: 60 }],
    ['tokens', { tokensPerMinute: 9_000 }],
    ['calls at once', { concurrency: 5 }],
  ])(
    'share its %s evenly from the moment one comes late to another with a thousand that wait',
    async (unit, limits) => {
      const tokens = fc.integer({ min: 50, max: 200 });
      await fc.assert(
        fc.asyncProperty(
          fc.record({ atMs: fc.integer({ min: 1, max: 100_000 }), runMs: fc.integer({ min: 2_000, max: 6_000 }) }),
          fc.tuple(tokens, tokens),
          async ({ atMs, runMs }, [ofMany, ofFew]) => {
            const { served } = await serve(
              limits,
              [
                { project: 'many', batch: 'a', calls: 1_000, tokens: ofMany, runMs },
                { project: 'few', batch: 'b', calls: 500, tokens: ofFew, runMs, atMs },
              ],
              atMs + 5 * minute,
            );
            // What the first had before the second came is not held against it.
            const since = served.filter(({ servedMs }) => servedMs > atMs);
            const had = (project: string): number =>
              since
                .filter((one) => one.project === project)
                .reduce((sum, call) => sum + (unit === 'tokens' ? (call.tokens ?? 0) : 1), 0);
            const share = had('few') / (had('few') + had('many'));
            expect(share).toBeGreaterThan(0.475);
            expect(share).toBeLessThan(0.525);
          },
        ),
        { numRuns: 3 },
      );
    },
  );

  test('share tokens, not calls, where tokens are what is short', async () => {
    const { of } = await serve(
      { tokensPerMinute: 10_000, requestsPerMinute: 10_000 },
      [
        { project: 'long', batch: 'a', calls: 200, tokens: 500 },
        { project: 'short', batch: 'b', calls: 1_000, tokens: 100 },
      ],
      4 * minute,
    );
    const [long, short] = [of('long').length * 500, of('short').length * 100];
    expect(long / (long + short)).toBeGreaterThan(0.475);
    expect(long / (long + short)).toBeLessThan(0.525);
  });

  test('split a project’s share among its batches, not by their number', async () => {
    const { served, of } = await serve(
      { requestsPerMinute: 60 },
      [
        ...['a', 'b', 'c'].map((batch) => ({ project: 'three', batch, calls: 200 })),
        { project: 'one', batch: 'd', calls: 200 },
      ],
      2 * minute,
    );
    expect(of('one').length).toBe(of('three').length);
    const counts = ['a', 'b', 'c'].map((batch) => served.filter((one) => one.batch === batch).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test('get no credit for the time they had nothing to do', async () => {
    const { served } = await serve(
      { requestsPerMinute: 60 },
      [
        { project: 'early', batch: 'a', calls: 400 },
        { project: 'late', batch: 'b', calls: 400, atMs: 3 * minute - 1 },
      ],
      4 * minute - 2,
    );
    const last = served.slice(-60);
    expect(last.filter(({ project }) => project === 'late').length).toBeLessThanOrEqual(31);
  });
});

test('what is more urgent goes first, whoever it is from and however late it came', async () => {
  const { served } = await serve(
    { requestsPerMinute: 30 },
    [
      { project: 'a', batch: 'a', calls: 100 },
      { project: 'b', batch: 'b', priority: 1, calls: 20, atMs: 5_000 },
      { project: 'c', batch: 'c', priority: 4, calls: 100 },
    ],
    2 * minute - 1,
  );
  expect(served.slice(30, 50).every(({ project }) => project === 'b')).toBe(true);
  expect(served.some(({ project }) => project === 'c')).toBe(false);
});

test('a call that is not made gives its place and its turn back', async () => {
  const clock = new VirtualClock();
  const limiter = createLimiter({ path: ':memory:', clock });
  onTestFinished(() => {
    limiter.close();
  });
  const keys = [{ key: 'm', requestsPerMinute: 1, concurrency: 1 }];
  (await limiter.acquire(keys, { tokens: 10, images: 0 }, never)).unused();
  await clock.advance(0);
  expect(limiter.usage('m')).toMatchObject({ requests: 0, tokens: 0, inFlight: 0 });
  const next = await limiter.acquire(keys, { tokens: 10, images: 0 }, never);
  next.release();
});

test('whoever asks for what, a project that always waits gets its share of what is let through', async () => {
  const demand = fc.record({
    tokens: fc.integer({ min: 50, max: 200 }),
    batches: fc.integer({ min: 1, max: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(demand, { minLength: 2, maxLength: 4 }), async (projects) => {
      const demands = projects.flatMap(({ tokens, batches }, place) =>
        Array.from({ length: batches }, (_, batch) => ({
          project: `p${String(place)}`,
          batch: `p${String(place)}-${String(batch)}`,
          calls: Math.ceil(240 / batches),
          tokens,
        })),
      );
      const { served } = await serve({ tokensPerMinute: 6_000 }, demands, 3 * minute - 1);
      const tokensOf = (place: number): number =>
        served.filter(({ project }) => project === `p${String(place)}`).length * (projects[place]?.tokens ?? 0);
      const all = projects.map((_, place) => tokensOf(place));
      // Nobody is ahead of another by more than the largest call of each.
      expect(Math.max(...all) - Math.min(...all)).toBeLessThanOrEqual(2 * 200);
    }),
    { numRuns: 6 },
  );
});

test('deciding costs hardly more with thousands that wait', async () => {
  const clock = new VirtualClock();
  const limiter = createLimiter({ path: ':memory:', clock });
  onTestFinished(() => {
    limiter.close();
  });
  const keys = [
    { key: 'm', concurrency: 1 },
    { key: 'b', revision: 1 },
  ];
  const first = await limiter.acquire(keys, { tokens: 0, images: 0 }, never);
  let open = 0;
  for (let call = 0; call < 2_000; call += 1) {
    limiter.acquire(keys, { tokens: 0, images: 0 }, never).then(
      (permit) => {
        open += 1;
        permit.release();
      },
      () => undefined,
    );
  }
  first.release();
  // A turn each: with work in proportion to those that wait this would be 2 million looks.
  await clock.advance(3_000);
  expect(open).toBe(2_000);
});
