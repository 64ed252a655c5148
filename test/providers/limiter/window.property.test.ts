import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLimiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import { VirtualClock } from './virtual-clock.ts';

const never = new AbortController().signal;
const minute = 60_000;

interface Call {
  atMs: number;
  batch: number;
  tokens: number;
  images: number;
  /** From the grant to the wire, and from there to the server. */
  sendMs: number;
  networkMs: number;
  runMs: number;
}

interface Arrival extends Call {
  serverMs: number;
}

/** Runs all calls and returns them as the server saw them, in order of arrival. */
async function simulate(calls: Call[], keysOf: (call: Call) => LimitKey[], forMs: number): Promise<Arrival[]> {
  const clock = new VirtualClock();
  const start = clock.now();
  const limiter = createLimiter({ path: ':memory:', clock });
  const arrivals: Arrival[] = [];
  for (const call of calls) {
    clock.after(call.atMs, () => {
      // Those left over are refused as the limiter closes; a test that expects none counts the arrivals.
      void limiter.acquire(keysOf(call), call, never).then((permit) => {
        clock.after(call.sendMs, () => {
          permit.sent();
          arrivals.push({ ...call, serverMs: clock.now() - start + call.networkMs });
        });
        clock.after(call.sendMs + call.runMs, permit.release);
      }, refused);
    });
  }
  await clock.advance(forMs);
  limiter.close();
  return arrivals.toSorted((a, b) => a.serverMs - b.serverMs);
}

function refused(error: unknown): void {
  expect(error).toMatchObject({ code: 'UNAVAILABLE' });
}

/** Every rolling minute that begins with an arrival: if none of these is too full, none is. */
function expectWithin(arrivals: Arrival[], limit: number | null | undefined, take: (call: Call) => number): void {
  if (limit === null || limit === undefined) return;
  for (const first of arrivals) {
    const window = arrivals.filter(
      ({ serverMs, ...call }) => take(call) > 0 && serverMs >= first.serverMs && serverMs < first.serverMs + minute,
    );
    const sum = window.reduce((total, call) => total + take(call), 0);
    // Only a call that is larger than the limit itself may break it, and only alone.
    if (sum > limit) expect(window.length).toBe(1);
  }
}

const limitsArbitrary = fc.record({
  requestsPerMinute: fc.option(fc.integer({ min: 1, max: 12 })),
  tokensPerMinute: fc.option(fc.integer({ min: 50, max: 400 })),
  imagesPerMinute: fc.option(fc.integer({ min: 1, max: 12 })),
  concurrency: fc.option(fc.integer({ min: 1, max: 4 })),
});

const callArbitrary = fc.record({
  atMs: fc.integer({ min: 0, max: 90_000 }),
  batch: fc.integer({ min: 0, max: 2 }),
  tokens: fc.integer({ min: 0, max: 150 }),
  images: fc.integer({ min: 0, max: 3 }),
  sendMs: fc.integer({ min: 0, max: 3_000 }),
  networkMs: fc.integer({ min: 0, max: 400 }),
  runMs: fc.integer({ min: 0, max: 8_000 }),
});

test('no rolling minute at the server holds more than any limit, and every call is served', async () => {
  await fc.assert(
    fc.asyncProperty(
      limitsArbitrary,
      limitsArbitrary,
      fc.array(callArbitrary, { minLength: 1, maxLength: 30 }),
      async (model, batch, calls) => {
        const keysOf = (call: Call) => [
          { key: 'model', ...model },
          { key: `batch:${String(call.batch)}`, ...batch },
        ];
        const arrivals = await simulate(calls, keysOf, calls.length * 75_000 + 200_000);
        expect(arrivals.length).toBe(calls.length);
        const groups = [0, 1, 2].map((id) => ({ limits: batch, of: arrivals.filter((call) => call.batch === id) }));
        for (const { limits, of } of [{ limits: model, of: arrivals }, ...groups]) {
          expectWithin(of, limits.requestsPerMinute, () => 1);
          expectWithin(of, limits.tokensPerMinute, (call) => call.tokens);
          expectWithin(of, limits.imagesPerMinute, (call) => call.images);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test.each([
  ['requests', { requestsPerMinute: 60 }, 60],
  ['tokens', { tokensPerMinute: 6_000 }, 60],
  ['images', { imagesPerMinute: 120 }, 60],
])('demand without end gets at least 98 %% of a limit of %s', async (_unit, limits, perMinute) => {
  const minutes = 10;
  const call = { atMs: 0, batch: 0, tokens: 100, images: 2, sendMs: 20, networkMs: 0, runMs: 2_000 };
  const demand = Array.from({ length: perMinute * (minutes + 2) }, () => call);
  const arrivals = await simulate(demand, () => [{ key: 'model', ...limits }], minutes * minute);
  expect(arrivals.length).toBeGreaterThanOrEqual(0.98 * perMinute * minutes);
  expectWithin(arrivals, perMinute, () => 1);
});
