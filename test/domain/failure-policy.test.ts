import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failurePolicySchema, toleratedFailureSchema } from '../../domain/batch-spec.ts';
import { createFailureWindow, judge, recordOutcome } from '../../domain/failure-policy.ts';

const policy = failurePolicySchema.parse({ window: 20 });
const tolerated = toleratedFailureSchema.parse({});
const calm = { failed: 0, finished: 100, tolerated, noticed: false, errorPolicy: 'continue' } as const;

/** A window in which the last `failed` of `finished` items failed. */
function windowOf(failed: number, finished: number): string {
  let window = createFailureWindow();
  for (let item = 0; item < finished; item += 1) window = recordOutcome(window, item >= finished - failed, policy);
  return window;
}

describe('the rate over the last items', () => {
  test.each([
    [0, 20, 'go'],
    [4, 20, 'go'],
    [5, 20, 'notice'],
    [10, 20, 'notice'],
    [11, 20, 'pause'],
    [9, 9, 'go'],
    [10, 10, 'pause'],
    [5, 10, 'notice'],
    [2, 10, 'go'],
  ])('%d failed of %d: %s', (failed, finished, action) => {
    expect(judge(windowOf(failed, finished), policy, calm).action).toBe(action);
  });

  test('the reason of a pause gives the figures', () => {
    expect(judge(windowOf(14, 30), policy, calm)).toMatchObject({
      action: 'pause',
      kind: 'failure_rate',
      reason: 'High failure rate: 14 of the last 20 items failed, more than 50%.',
    });
  });

  test('a notice gives the figures', () => {
    expect(judge(windowOf(6, 20), policy, calm)).toMatchObject({
      message: 'Elevated failure rate: 6 of the last 20 items failed, more than 20%.',
    });
  });

  test('failures that have left the window are forgotten', () => {
    let window = windowOf(20, 20);
    for (let item = 0; item < 20; item += 1) window = recordOutcome(window, false, policy);
    expect(judge(window, policy, calm).action).toBe('go');
  });

  test('a sample larger than the window is reached when the window is full', () => {
    const large = { ...policy, window: 5, minSample: 10 };
    let window = createFailureWindow();
    for (let item = 0; item < 5; item += 1) window = recordOutcome(window, true, large);
    expect(judge(window, large, calm).action).toBe('pause');
  });

  test('a notice is given once, and again only after the rate was down', () => {
    let window = createFailureWindow();
    let noticed = false;
    const notices: number[] = [];
    // Every third item fails, then none for a while, then every third again.
    for (let item = 0; item < 120; item += 1) {
      const failed = (item < 40 || item >= 80) && item % 3 === 0;
      window = recordOutcome(window, failed, policy);
      const verdict = judge(window, policy, { ...calm, noticed });
      noticed = verdict.noticed;
      if (verdict.action === 'notice') notices.push(item);
    }
    expect(notices.length).toBe(2);
    expect(notices[0]).toBeLessThan(40);
    expect(notices[1]).toBeGreaterThanOrEqual(80);
  });
});

describe('tolerated failure', () => {
  test.each([
    [{ count: 5 }, 5, 100, 'go'],
    [{ count: 5 }, 6, 100, 'pause'],
    [{ count: 0 }, 1, 1, 'pause'],
    [{ percent: 10 }, 10, 100, 'go'],
    [{ percent: 10 }, 11, 100, 'pause'],
    [{ percent: 10 }, 9, 9, 'go'],
    [{ percent: 10, minSample: 5 }, 1, 5, 'pause'],
    [{ count: 50, percent: 1 }, 2, 100, 'pause'],
    [{}, 100, 100, 'go'],
  ])('%o with %d of %d failed: %s', (limit, failed, finished, action) => {
    const context = { ...calm, failed, finished, tolerated: toleratedFailureSchema.parse(limit) };
    expect(judge(createFailureWindow(), policy, context).action).toBe(action);
  });

  test.each([
    [{ count: 5 }, 'Tolerated failure exceeded: 6 items failed, 5 tolerated.'],
    [{ percent: 2.5 }, 'Tolerated failure exceeded: 6 of 100 items failed (6%), 2.5% tolerated.'],
  ])('the reason for %o gives the figures', (limit, reason) => {
    const context = { ...calm, failed: 6, tolerated: toleratedFailureSchema.parse(limit) };
    const verdict = judge(createFailureWindow(), policy, context);
    expect(verdict).toMatchObject({ action: 'pause', kind: 'tolerated_failure', reason });
  });
});

test('error policy stop stops at the first failure, before any sample is large enough', () => {
  const window = windowOf(1, 1);
  expect(judge(window, policy, { ...calm, failed: 1, finished: 1, errorPolicy: 'stop' }).action).toBe('stop');
  expect(judge(windowOf(0, 1), policy, { ...calm, failed: 0, finished: 1, errorPolicy: 'stop' }).action).toBe('go');
});

describe('for any policy and any outcomes', () => {
  const anyPolicy = fc.record({
    window: fc.integer({ min: 2, max: 60 }),
    minSample: fc.integer({ min: 1, max: 80 }),
    pauseAbove: fc.double({ min: 0, max: 1, noNaN: true }),
    noticeAbove: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test('the window is plain JSON that keeps the last outcomes and no more', () => {
    fc.assert(
      fc.property(anyPolicy, fc.array(fc.boolean(), { maxLength: 200 }), (any, outcomes) => {
        let window = createFailureWindow();
        for (const failed of outcomes) window = recordOutcome(window, failed, any);
        expect(JSON.parse(JSON.stringify(window))).toBe(window);
        expect([...window].map((end) => end === '1')).toEqual(outcomes.slice(-any.window));
      }),
    );
  });

  test('it pauses exactly when the rate over a large enough sample is above the threshold', () => {
    fc.assert(
      fc.property(anyPolicy, fc.array(fc.boolean(), { maxLength: 200 }), fc.boolean(), (any, outcomes, noticed) => {
        let window = createFailureWindow();
        for (const failed of outcomes) window = recordOutcome(window, failed, any);
        const last = outcomes.slice(-any.window);
        const enough = last.length >= Math.min(any.minSample, any.window);
        const failed = last.filter(Boolean).length;
        const verdict = judge(window, any, { ...calm, noticed });
        expect(verdict.action === 'pause').toBe(enough && failed > any.pauseAbove * last.length);
        if (verdict.action === 'notice') expect(noticed).toBe(false);
      }),
    );
  });
});
