import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createLimiter, type Limiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import { scratchDirectory } from './scratch.ts';
import { VirtualClock } from './virtual-clock.ts';

const cost = { tokens: 0, images: 1 };
const batch = (revision: number): LimitKey[] => [{ key: 'model' }, { key: 'batch', concurrency: 1, revision }];

function open(path: string, clock: VirtualClock): Limiter {
  const limiter = createLimiter({ path, clock });
  onTestFinished(() => {
    limiter.close();
  });
  return limiter;
}

/** `granted`, the name of the error, or `waiting`. */
async function fate(clock: VirtualClock, limiter: Limiter, keys: LimitKey[]): Promise<() => string> {
  let state = 'waiting';
  limiter.acquire(keys, cost, new AbortController().signal).then(
    () => (state = 'granted'),
    (error: unknown) => (state = error instanceof Error ? error.name : String(error)),
  );
  await clock.advance(0);
  return () => state;
}

test('a refusal rejects who waits with that revision or an older one, and lets newer calls through', async () => {
  const clock = new VirtualClock();
  const limiter = open(':memory:', clock);
  const running = await fate(clock, limiter, batch(5));
  const waiting = await fate(clock, limiter, batch(5));
  expect([running(), waiting()]).toEqual(['granted', 'waiting']);

  limiter.refuse('batch', 5);
  await clock.advance(0);
  expect(waiting()).toBe('CallRefused');
  const older = await fate(clock, limiter, batch(4));
  const newer = await fate(clock, limiter, [{ key: 'batch', concurrency: 2, revision: 6 }]);
  const other = await fate(clock, limiter, [{ key: 'model' }, { key: 'other batch', revision: 1 }]);
  expect([older(), newer(), other()]).toEqual(['CallRefused', 'granted', 'granted']);
});

test('a refusal is never taken back by an older one, and ends when the key is forgotten', async () => {
  const clock = new VirtualClock();
  const limiter = open(':memory:', clock);
  limiter.refuse('batch', 7);
  limiter.refuse('batch', 3);
  expect([limiter.refuses('batch', 7), limiter.refuses('batch', 8)]).toEqual([true, false]);
  limiter.forget('batch');
  const again = await fate(clock, limiter, batch(1));
  expect(again()).toBe('granted');
});

test('a refusal holds for every process and outlives the one that gave it', async () => {
  const clock = new VirtualClock();
  const path = join(scratchDirectory(), 'limits.sqlite');
  const first = open(path, clock);
  const second = open(path, clock);
  await fate(clock, second, batch(2));
  const waiting = await fate(clock, second, batch(2));
  first.refuse('batch', 2);
  first.close();
  await clock.advance(1_000);
  expect(waiting()).toBe('CallRefused');
});
