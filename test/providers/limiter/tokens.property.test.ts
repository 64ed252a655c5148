import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { createLimiter } from '../../../providers/limiter/limiter.ts';
import { VirtualClock } from './virtual-clock.ts';

const never = new AbortController().signal;
const windowMs = 60_500;

interface TextCall {
  estimate: number;
  actual: number;
  runMs: number;
}

/** Those left over as the limiter closes; a test that expects none counts. */
function refused(error: unknown): void {
  expect(error).toMatchObject({ code: 'UNAVAILABLE' });
}

/** Texts whose length is known only once they are written. */
const textCall = fc.record({
  estimate: fc.integer({ min: 1, max: 400 }),
  actual: fc.integer({ min: 1, max: 600 }),
  runMs: fc.integer({ min: 1, max: 5_000 }),
});

test('tokens are held to what was really used: too much is given back, an overdraft delays later calls', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(textCall, { minLength: 2, maxLength: 25 }), async (calls) => {
      const limit = 1_000;
      const clock = new VirtualClock();
      const limiter = createLimiter({ path: ':memory:', clock });
      const log: { at: number; call: TextCall; known: number }[] = [];
      const taken = (now: number): number =>
        log.filter(({ at }) => at > now - windowMs).reduce((sum, { known }) => sum + known, 0);
      for (const call of calls) {
        void limiter
          .acquire([{ key: 'm', tokensPerMinute: limit }], { tokens: call.estimate, images: 0 }, never)
          .then((permit) => {
            // By what is known at this moment there is room, or nothing else is in the window.
            const before = taken(clock.now());
            expect(before === 0 || before + call.estimate <= limit).toBe(true);
            const entry = { at: clock.now(), call, known: call.estimate };
            log.push(entry);
            permit.sent();
            clock.after(call.runMs, () => {
              entry.known = call.actual;
              permit.settle({ tokens: call.actual, images: 0 });
              permit.release('succeeded');
            });
          }, refused);
      }
      await clock.advance(calls.length * (windowMs + 5_000));
      limiter.close();
      expect(log.length).toBe(calls.length);
    }),
    { numRuns: 40 },
  );
});

test('an estimate far too high costs throughput only until the truth is told', async () => {
  const clock = new VirtualClock();
  const limiter = createLimiter({ path: ':memory:', clock });
  onTestFinished(() => {
    limiter.close();
  });
  let done = 0;
  for (let call = 0; call < 50; call += 1) {
    void limiter.acquire([{ key: 'm', tokensPerMinute: 1_000 }], { tokens: 500, images: 0 }, never).then((permit) => {
      permit.sent();
      clock.after(1_000, () => {
        permit.settle({ tokens: 10, images: 0 });
        permit.release();
        done += 1;
      });
    }, refused);
  }
  // One at a time, because a second one would not fit before the first has ended.
  await clock.advance(55_000);
  expect(done).toBe(50);
});
