import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createLimiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import { scratchDirectory } from './scratch.ts';
import { VirtualClock } from './virtual-clock.ts';

const never = new AbortController().signal;
const none = { tokens: 0, images: 0 };

/** A server that bears so many calls at once and answers 429 to more; callers that always have another call. */
class Load {
  readonly clock = new VirtualClock();
  readonly limiter = createLimiter({ path: ':memory:', clock: this.clock });
  readonly key: LimitKey;
  bears: number;
  underWay = 0;
  most = 0;
  succeeded = 0;
  refused = 0;

  constructor(concurrency: number | null, bears: number) {
    this.key = { key: 'm', concurrency, adaptive: true };
    this.bears = bears;
    onTestFinished(() => {
      this.limiter.close();
    });
  }

  demand(callers: number, runMs: (call: number) => number): void {
    const again = (call: number): void => {
      this.limiter.acquire([this.key], none, never).then(
        (permit) => {
          permit.sent();
          this.underWay += 1;
          this.most = Math.max(this.most, this.underWay);
          const over = this.underWay > this.bears;
          this.clock.after(over ? 200 : runMs(call), () => {
            this.underWay -= 1;
            if (over) this.refused += 1;
            else this.succeeded += 1;
            permit.release(over ? 'overloaded' : 'succeeded');
            again(call + 1);
          });
        },
        () => undefined,
      );
    };
    for (let caller = 0; caller < callers; caller += 1) again(caller);
  }

  get ceiling(): number | null {
    return this.limiter.usage('m').ceiling;
  }
}

test('a server that bears less is found out, and the full number is reached again once it bears that', async () => {
  const load = new Load(32, 8);
  load.demand(64, () => 1_000);
  await load.clock.advance(60_000);
  expect(load.ceiling).toBeGreaterThanOrEqual(4);
  expect(load.ceiling).toBeLessThanOrEqual(9);
  // Nearly all that the server could do was done, with few refusals.
  expect(load.succeeded).toBeGreaterThan(0.7 * 8 * 60);
  expect(load.refused).toBeLessThan(0.2 * load.succeeded);

  load.bears = 1_000;
  await load.clock.advance(60_000);
  expect(load.ceiling).toBeNull();
  expect(load.underWay).toBe(32);
});

test('a burst of refusals of calls that were begun together halves once', async () => {
  const clock = new VirtualClock();
  const limiter = createLimiter({ path: ':memory:', clock });
  onTestFinished(() => {
    limiter.close();
  });
  const key = { key: 'm', concurrency: 20, adaptive: true };
  const permits = await Promise.all(Array.from({ length: 20 }, () => limiter.acquire([key], none, never)));
  for (const permit of permits) {
    await clock.advance(1);
    permit.release('overloaded');
  }
  await clock.advance(0);
  expect(limiter.usage('m').ceiling).toBe(10);
});

test('what was learned is known to the next worker, and forgotten after ten calm minutes', async () => {
  const clock = new VirtualClock();
  const path = join(scratchDirectory(), 'limits.sqlite');
  const key = { key: 'm', concurrency: 20, adaptive: true };
  const first = createLimiter({ path, clock });
  const permits = await Promise.all(Array.from({ length: 8 }, () => first.acquire([key], none, never)));
  for (const permit of permits) permit.release('overloaded');
  first.close();
  const second = createLimiter({ path, clock });
  onTestFinished(() => {
    second.close();
  });
  expect(second.usage('m').ceiling).toBe(4);
  await clock.advance(600_000);
  const permit = await second.acquire([key], none, never);
  await clock.advance(10_000);
  permit.release();
  expect(second.usage('m').ceiling).toBeNull();
});

test('calls at once are never above the limit nor stuck below one, whatever the server answers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.option(fc.integer({ min: 1, max: 12 })),
      fc.integer({ min: 0, max: 14 }),
      fc.array(fc.integer({ min: 300, max: 3_000 }), { minLength: 1, maxLength: 10 }),
      async (concurrency, bears, runs) => {
        const load = new Load(concurrency, bears);
        load.demand(10, (call) => runs[call % runs.length] ?? 1);
        for (let second = 0; second < 20; second += 1) {
          await load.clock.advance(1_000);
          expect(load.ceiling ?? 1).toBeGreaterThanOrEqual(1);
          expect(load.underWay).toBeGreaterThanOrEqual(1);
        }
        expect(load.most).toBeLessThanOrEqual(concurrency ?? 10);
        load.bears = Infinity;
        await load.clock.advance(90_000);
        expect(load.ceiling).toBeNull();
      },
    ),
    { numRuns: 10 },
  );
});
