import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createLimiter, type Limiter } from '../../../providers/limiter/limiter.ts';
import type { LimitKey } from '../../../providers/limiter/live-limits.ts';
import type { Permit } from '../../../providers/limiter/permit.ts';
import { scratchDirectory } from './scratch.ts';
import { VirtualClock } from './virtual-clock.ts';

const cost = { tokens: 0, images: 1 };
const windowMs = 60_500;

function setUp(options: { path?: string; clock?: VirtualClock } = {}) {
  const clock = options.clock ?? new VirtualClock();
  const limiter = createLimiter({ path: options.path ?? ':memory:', clock });
  onTestFinished(() => {
    limiter.close();
  });
  return { clock, limiter };
}

/** A call in the queue: its permit once it has one, its error once it has failed. */
interface Attempt {
  permit: Permit | undefined;
  error: unknown;
  abort: (reason: unknown) => void;
}

function ask(limiter: Limiter, keys: LimitKey[], take = cost): Attempt {
  const controller = new AbortController();
  const attempt: Attempt = {
    permit: undefined,
    error: undefined,
    abort: (reason) => {
      controller.abort(reason);
    },
  };
  limiter.acquire(keys, take, controller.signal).then(
    (permit) => {
      attempt.permit = permit;
    },
    (error: unknown) => {
      attempt.error = error;
    },
  );
  return attempt;
}

/** Asks, expects the permit at once, and puts the call on the wire. */
async function send(clock: VirtualClock, limiter: Limiter, keys: LimitKey[], take = cost): Promise<Permit> {
  const attempt = ask(limiter, keys, take);
  await clock.advance(0);
  if (attempt.permit === undefined) throw new Error('no permit');
  attempt.permit.sent();
  await clock.advance(0);
  return attempt.permit;
}

describe('rates', () => {
  test('the limit holds from the first second, and a place is free again a minute and the margin after it was taken', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', requestsPerMinute: 2 }];
    (await send(clock, limiter, keys)).release();
    await clock.advance(10_000);
    (await send(clock, limiter, keys)).release();
    const third = ask(limiter, keys);
    await clock.advance(windowMs - 10_001);
    expect(third.permit).toBeUndefined();
    await clock.advance(1);
    expect(third.permit).toBeDefined();
  });

  test('the minute of a call counts from the moment it was sent, not from the grant', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', requestsPerMinute: 1 }];
    const first = ask(limiter, keys);
    await clock.advance(70_000);
    const second = ask(limiter, keys);
    await clock.advance(1_000);
    expect(second.permit).toBeUndefined();
    first.permit?.sent();
    await clock.advance(windowMs - 1);
    expect(second.permit).toBeUndefined();
    await clock.advance(1);
    expect(second.permit).toBeDefined();
  });

  test('a call that was released without being sent counts from its release', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', requestsPerMinute: 1 }];
    const first = ask(limiter, keys);
    await clock.advance(5_000);
    first.permit?.release();
    const second = ask(limiter, keys);
    await clock.advance(windowMs - 1);
    expect(second.permit).toBeUndefined();
    await clock.advance(1);
    expect(second.permit).toBeDefined();
  });

  test.each([
    ['tokens', { key: 'm', tokensPerMinute: 100 }, { tokens: 60, images: 0 }, { tokens: 40, images: 0 }],
    ['images', { key: 'm', imagesPerMinute: 5 }, { tokens: 0, images: 3 }, { tokens: 0, images: 2 }],
  ])('%s a minute are counted by what each call takes', async (_unit, key, large, small) => {
    const { clock, limiter } = setUp();
    await send(clock, limiter, [key], large);
    const again = ask(limiter, [key], large);
    await clock.advance(0);
    expect(again.permit).toBeUndefined();
    again.abort(new Error('not wanted'));
    await send(clock, limiter, [key], small);
  });

  test('what a call really took replaces its estimate', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', tokensPerMinute: 100 }];
    const first = await send(clock, limiter, keys, { tokens: 80, images: 0 });
    const second = ask(limiter, keys, { tokens: 50, images: 0 });
    await clock.advance(100);
    expect(second.permit).toBeUndefined();
    first.settle({ tokens: 50, images: 0 });
    await clock.advance(0);
    expect(second.permit).toBeDefined();
    expect(limiter.usage('m').tokens).toBe(100);
  });

  test('a call larger than a whole limit goes alone once the window is empty', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', tokensPerMinute: 100 }];
    await send(clock, limiter, keys, { tokens: 10, images: 0 });
    const huge = ask(limiter, keys, { tokens: 500, images: 0 });
    const next = ask(limiter, keys, { tokens: 10, images: 0 });
    await clock.advance(windowMs - 1);
    expect(huge.permit).toBeUndefined();
    await clock.advance(1);
    huge.permit?.sent();
    await clock.advance(windowMs - 1);
    expect(next.permit).toBeUndefined();
    await clock.advance(1);
    expect(next.permit).toBeDefined();
  });
});

describe('concurrency', () => {
  test('a release lets the next call in at once', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', concurrency: 1 }];
    const first = await send(clock, limiter, keys);
    const second = ask(limiter, keys);
    await clock.advance(3_000);
    expect(second.permit).toBeUndefined();
    first.release();
    await clock.advance(0);
    expect(second.permit).toBeDefined();
  });

  test('a call keeps its place for as long as it runs, and releasing it twice frees one place', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', concurrency: 2 }];
    const first = await send(clock, limiter, keys);
    await send(clock, limiter, keys);
    await clock.advance(600_000);
    expect(limiter.usage('m').inFlight).toBe(2);
    first.release();
    first.release();
    expect(limiter.usage('m').inFlight).toBe(1);
  });

  test('what goes on after its call keeps its place, over the process that called, until it is over or forgotten', async () => {
    const path = join(scratchDirectory(), 'limits.sqlite');
    const { clock, limiter } = setUp({ path });
    const keys = [{ key: 'm', concurrency: 2 }, { key: 'b' }];
    for (const name of ['one', 'two']) (await send(clock, limiter, keys)).hold(name, 'succeeded');
    await clock.advance(0);
    limiter.close();
    const next = setUp({ path, clock }).limiter;
    expect(next.usage('b').inFlight).toBe(2);
    const third = ask(next, keys);
    await clock.advance(200_000);
    next.hold('two', ['m', 'b']);
    expect(third.permit).toBeUndefined();
    // Nobody has looked at the first for five minutes, and the second is over.
    await clock.advance(100_100);
    expect(third.permit).toBeDefined();
    const fourth = ask(next, keys);
    await clock.advance(1_000);
    expect(fourth.permit).toBeUndefined();
    next.free('two');
    await clock.advance(0);
    expect(fourth.permit).toBeDefined();
    next.hold('one', ['m', 'b']);
    expect(next.usage('m').inFlight).toBe(3);
  });
});

describe('order', () => {
  test('calls are served in order of arrival, so that a small one does not overtake a large one for ever', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', tokensPerMinute: 100 }];
    await send(clock, limiter, keys, { tokens: 90, images: 0 });
    const large = ask(limiter, keys, { tokens: 50, images: 0 });
    const small = ask(limiter, keys, { tokens: 10, images: 0 });
    await clock.advance(windowMs - 1);
    expect([large.permit, small.permit]).toEqual([undefined, undefined]);
    await clock.advance(1);
    expect(large.permit).toBeDefined();
    expect(small.permit).toBeDefined();
  });

  test('a batch that waits for its own limit does not hold up another batch on the same model', async () => {
    const { clock, limiter } = setUp();
    const model = { key: 'model', requestsPerMinute: 100, concurrency: 10 };
    const slow = { key: 'batch:slow', requestsPerMinute: 1 };
    await send(clock, limiter, [model, slow]);
    const waiting = ask(limiter, [model, slow]);
    const other = ask(limiter, [model, { key: 'batch:other', requestsPerMinute: 60 }]);
    await clock.advance(0);
    expect(waiting.permit).toBeUndefined();
    expect(other.permit).toBeDefined();
  });

  test('all keys are taken together or none', async () => {
    const { clock, limiter } = setUp();
    const model = { key: 'model', requestsPerMinute: 100 };
    const batch = { key: 'batch', requestsPerMinute: 1 };
    await send(clock, limiter, [model, batch]);
    ask(limiter, [model, batch]);
    await clock.advance(1_000);
    expect(limiter.usage('model')).toMatchObject({ requests: 1, inFlight: 1 });
  });
});

describe('aborting', () => {
  test('a call that is given up fails with its reason, takes nothing and lets the next one pass', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', tokensPerMinute: 100 }];
    await send(clock, limiter, keys, { tokens: 60, images: 0 });
    const first = ask(limiter, keys, { tokens: 60, images: 0 });
    const second = ask(limiter, keys, { tokens: 40, images: 0 });
    await clock.advance(0);
    const reason = new Error('cancelled');
    first.abort(reason);
    await clock.advance(0);
    expect(first.error).toBe(reason);
    expect(second.permit).toBeDefined();
    expect(limiter.usage('m')).toMatchObject({ requests: 2, tokens: 100, inFlight: 2 });
  });

  test('a signal that is aborted already is refused', async () => {
    const { limiter } = setUp();
    await expect(limiter.acquire([{ key: 'm' }], cost, AbortSignal.abort('late'))).rejects.toBe('late');
  });

  test('closing refuses those who wait and those who come later', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', concurrency: 1 }];
    await send(clock, limiter, keys);
    const waiting = ask(limiter, keys);
    await clock.advance(0);
    limiter.close();
    const late = ask(limiter, keys);
    await clock.advance(0);
    expect(waiting.error).toMatchObject({ code: 'UNAVAILABLE' });
    expect(late.error).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('slowing down', () => {
  test('nobody gets the key until the rest is over, and then no more than the window allows', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'm', requestsPerMinute: 3 }];
    await send(clock, limiter, keys);
    limiter.slowDown('m', 20_000);
    limiter.slowDown('m', 5_000);
    const attempts = Array.from({ length: 5 }, () => ask(limiter, keys));
    await clock.advance(19_999);
    expect(attempts.filter((attempt) => attempt.permit).length).toBe(0);
    expect(limiter.usage('m').blockedForMs).toBe(1);
    await clock.advance(1);
    expect(attempts.filter((attempt) => attempt.permit).length).toBe(2);
  });

  test('another limiter on the same file keeps the rest too', async () => {
    const path = join(scratchDirectory(), 'limits.sqlite');
    const { clock, limiter } = setUp({ path });
    const other = setUp({ path, clock });
    other.limiter.slowDown('m', 5_000);
    const attempt = ask(limiter, [{ key: 'm' }]);
    await clock.advance(4_999);
    expect(attempt.permit).toBeUndefined();
    await clock.advance(1);
    expect(attempt.permit).toBeDefined();
  });
});

describe('changed limits', () => {
  test('a limit that is raised lets those who wait already go', async () => {
    const { clock, limiter } = setUp();
    const keys = [{ key: 'b', requestsPerMinute: 1 }];
    await send(clock, limiter, keys);
    const waiting = ask(limiter, keys);
    await clock.advance(10);
    limiter.setLimits('b', { requestsPerMinute: 2 });
    await clock.advance(0);
    expect(waiting.permit).toBeDefined();
  });

  test('a change outlasts calls that come later with what held before it, if it has a revision', async () => {
    const { clock, limiter } = setUp();
    await send(clock, limiter, [{ key: 'b', requestsPerMinute: 1, revision: 1 }]);
    limiter.setLimits('b', { requestsPerMinute: 2, revision: 2 });
    limiter.setLimits('b', { requestsPerMinute: 1, revision: 1 });
    const stale = ask(limiter, [{ key: 'b', requestsPerMinute: 1, revision: 1 }]);
    await clock.advance(0);
    expect(stale.permit).toBeDefined();
    limiter.setLimits('b', { requestsPerMinute: 3 });
    await send(clock, limiter, [{ key: 'b', requestsPerMinute: 1, revision: 1 }]);
  });

  test('the highest revision of a limit holds for all calls, whichever comes last', async () => {
    const { clock, limiter } = setUp();
    await send(clock, limiter, [{ key: 'b', requestsPerMinute: 1, revision: 0 }]);
    const before = ask(limiter, [{ key: 'b', requestsPerMinute: 1, revision: 0 }]);
    const after = ask(limiter, [{ key: 'b', requestsPerMinute: 3, revision: 1 }]);
    const stale = ask(limiter, [{ key: 'b', requestsPerMinute: 1, revision: 0 }]);
    await clock.advance(0);
    expect([before.permit, after.permit].every(Boolean)).toBe(true);
    expect(stale.permit).toBeUndefined();
  });
});
