import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createLimiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import { VirtualClock } from './virtual-clock.ts';

const never = new AbortController().signal;
const none = { tokens: 0, images: 0 };

/** What one call makes, in units, and how long the server needs for it when it is its turn. */
interface Work {
  units: number;
  ms: number;
}

/** A server that refuses nothing: it works on so many calls at once, the others wait. Callers always have another call. */
class PatientServer {
  readonly clock = new VirtualClock();
  readonly limiter = createLimiter({ path: ':memory:', clock: this.clock });
  readonly key: LimitKey;
  atOnce: number;
  /** By how much all calls take longer, whoever sends them. */
  slowness = 1;
  done = 0;
  /** From sending to answer, of the calls so far. */
  tookMs: number[] = [];
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(concurrency: number, atOnce: number) {
    this.key = { key: 'm', concurrency, adaptive: true };
    this.atOnce = atOnce;
    onTestFinished(() => {
      this.limiter.close();
    });
  }

  demand(callers: number, work: (call: number) => Work): void {
    let number = 0;
    const again = (): void => {
      this.limiter.acquire([this.key], none, never).then(
        (permit) => {
          const { units, ms } = work((number += 1));
          const sentAt = this.clock.now();
          permit.sent();
          this.serve(ms, () => {
            this.done += 1;
            this.tookMs.push(this.clock.now() - sentAt);
            permit.release('succeeded', units);
            again();
          });
        },
        () => undefined,
      );
    };
    for (let caller = 0; caller < callers; caller += 1) again();
  }

  get ceiling(): number | null {
    return this.limiter.usage('m').ceiling;
  }

  private serve(ms: number, answered: () => void): void {
    if (this.busy >= this.atOnce) {
      this.waiting.push(() => {
        this.serve(ms, answered);
      });
      return;
    }
    this.busy += 1;
    this.clock.after(ms * this.slowness, () => {
      this.busy -= 1;
      this.waiting.shift()?.();
      answered();
    });
  }
}

/** How many calls at once a server was let have in each of the seconds to come, as far as 16 are configured. */
async function ceilingsOf(server: PatientServer, seconds: number): Promise<number[]> {
  const ceilings: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await server.clock.advance(1_000);
    ceilings.push(server.ceiling ?? 16);
  }
  return ceilings;
}

const alike = (): Work => ({ units: 1, ms: 1_000 });

test('a server that lets calls wait instead of refusing them gets fewer, and is kept busy', async () => {
  const server = new PatientServer(64, Infinity);
  server.demand(64, alike);
  await server.clock.advance(60_000);
  server.atOnce = 4;
  await server.clock.advance(300_000);
  server.done = 0;
  server.tookMs = [];
  await server.clock.advance(600_000);
  // All 64 at once would take 16 s each.
  expect(Math.max(...server.tookMs)).toBeLessThan(8_000);
  expect(server.done).toBeGreaterThanOrEqual(0.98 * 4 * 600);

  server.atOnce = Infinity;
  await server.clock.advance(120_000);
  expect(server.ceiling).toBeNull();
});

test('a server that others make slow gets as many calls as before, once fewer did not help', async () => {
  const server = new PatientServer(16, Infinity);
  server.demand(16, alike);
  await server.clock.advance(60_000);
  server.slowness = 5;
  const ceilings = await ceilingsOf(server, 120);
  expect(Math.min(...ceilings)).toBe(8);
  expect(server.ceiling).toBeNull();
  server.done = 0;
  await server.clock.advance(600_000);
  expect(server.ceiling).toBeNull();
  expect(server.done).toBeGreaterThanOrEqual(0.98 * 16 * 120);
});

test('a call that hangs is no sign of load', async () => {
  const server = new PatientServer(16, Infinity);
  server.demand(16, (call) => ({ units: 1, ms: call === 200 ? 60_000 : 1_000 }));
  expect(Math.min(...(await ceilingsOf(server, 120)))).toBe(16);
});

test('long answers after short ones are no sign of load', async () => {
  const server = new PatientServer(16, Infinity);
  server.demand(16, (call) => (call < 300 ? { units: 250, ms: 1_000 } : { units: 4_200, ms: 20_000 }));
  expect(Math.min(...(await ceilingsOf(server, 300)))).toBe(16);
});

test('calls that take now long, now short, for no reason at all, cost hardly any throughput', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1_000, max: 10_000 }), { minLength: 50, maxLength: 100 }),
      async (times) => {
        const server = new PatientServer(16, Infinity);
        server.demand(16, (call) => ({ units: 1, ms: times[call % times.length] ?? 1_000 }));
        await server.clock.advance(600_000);
        const workMs = server.tookMs.reduce((sum, ms) => sum + ms, 0);
        expect(workMs).toBeGreaterThan(0.98 * 16 * 600_000);
      },
    ),
    { numRuns: 20 },
  );
});
