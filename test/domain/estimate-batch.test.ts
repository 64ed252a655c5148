import { expect, test } from 'vitest';
import type { CallsEstimate } from '../../domain/calls-estimate.ts';
import { addItem, emptyEstimate, estimateTime } from '../../domain/estimate-batch.ts';
import type { ModelsFile } from '../../domain/models.ts';

const none = { requests_per_minute: null, tokens_per_minute: null, images_per_minute: null, concurrency: null };
const limited = (limits: Partial<typeof none | Record<keyof typeof none, number>>): ModelsFile =>
  ({ models: { m: { limits: { ...none, ...limits } } } }) as never;

/** A hundred items that each call the model `m` twice, 4 s in all. */
const twoCalls: CallsEstimate = { calls: 2, costUsd: 0.2, tokens: 1_000, images: 2, seconds: 4 };
function hundred(calls: CallsEstimate = twoCalls, key = 'm') {
  const batch = emptyEstimate();
  const { costUsd, seconds } = calls;
  for (let n = 0; n < 100; n += 1) {
    addItem(batch, { costUsd, leastUsd: costUsd, mostUsd: 2 * costUsd, models: { [key]: calls }, seconds });
  }
  return batch;
}
const time = (
  batch: ReturnType<typeof hundred>,
  models = limited({}),
  limits: { concurrency?: number; ratePerMinute?: number | null } = {},
) => estimateTime(batch, { concurrency: 10, ratePerMinute: null, ...limits }, 20, models);

test('a batch costs what its items cost, by model', () => {
  const { items, costUsd, leastUsd, mostUsd, models } = hundred();
  expect({ items, calls: models['m']?.calls, of: models['m']?.items }).toEqual({ items: 100, calls: 200, of: 100 });
  expect([costUsd, leastUsd, mostUsd].map((usd) => Number(usd.toFixed(6)))).toEqual([20, 20, 40]);
});

test('a batch takes as long as the slowest of what bounds it, which is told', () => {
  // 400 s of calls, ten at once.
  expect(time(hundred())).toEqual({ seconds: 40, boundBy: '10 calls at once' });
  expect(time(hundred(), limited({ concurrency: 2 }))).toEqual({ seconds: 200, boundBy: '2 calls of m at once' });
  // 200 calls at 60 a minute: the last of them begin after three minutes, and an item then takes 4 s.
  expect(time(hundred(), limited({}), { ratePerMinute: 60 })).toMatchObject({
    seconds: 184,
    boundBy: '60 requests a minute of the batch',
  });
  expect(time(hundred(), limited({ requests_per_minute: 50 })).seconds).toBe(184);
  expect(time(hundred(), limited({ tokens_per_minute: 25_000 }))).toMatchObject({
    seconds: 184,
    boundBy: '25,000 tokens a minute of m',
  });
  expect(time(hundred(), limited({ images_per_minute: 50 })).seconds).toBe(184);
});

test('what no limit bounds takes as long as its longest item', () => {
  const one = emptyEstimate();
  addItem(one, { costUsd: 0, leastUsd: 0, mostUsd: 0, models: { m: twoCalls }, seconds: 4 });
  expect(time(one, limited({ requests_per_minute: 2 }))).toEqual({ seconds: 4, boundBy: 'its longest item' });
});

test('work on GPUs is no call of a model', () => {
  expect(time(hundred(twoCalls, 'gpu.any'), limited({}), { ratePerMinute: 1 }).boundBy).toBe('20 items at once');
});
