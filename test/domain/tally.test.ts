import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addResult, emptyTally, totalCostUsd } from '../../domain/tally.ts';
import { failedRow, resultRow } from './result-rows.ts';

test('rows are counted by how they ended, by error and by model', () => {
  const tally = emptyTally();
  addResult(tally, resultRow());
  addResult(tally, resultRow({ model: 'gemini-3-pro-image', calls: 2, cost_usd: 0.134 }));
  addResult(tally, failedRow({ calls: 3, images: 0, output_tokens: 0, cost_usd: 0 }));
  addResult(tally, resultRow({ status: 'cancelled', calls: 0, images: 0, processing_time_seconds: 100, cost_usd: 0 }));

  expect(tally).toMatchObject({ succeeded: 2, failed: 1, cancelled: 1, processingMs: 7_500 });
  expect(tally.byErrorCode).toEqual({ TIMEOUT: 1 });
  expect(tally.models).toEqual([
    {
      model: 'gemini-2.5-flash-image',
      items: 3,
      calls: 4,
      inputTokens: 30,
      outputTokens: 2_580,
      images: 1,
      costMicroUsd: 39_000,
    },
    {
      model: 'gemini-3-pro-image',
      items: 1,
      calls: 2,
      inputTokens: 10,
      outputTokens: 1_290,
      images: 1,
      costMicroUsd: 134_000,
    },
  ]);
  expect(totalCostUsd(tally)).toBe(0.173);
});

test('an item that is queued again adds what it spent and is not counted as finished', () => {
  const tally = emptyTally();
  addResult(tally, { ...failedRow({ calls: 2, cost_usd: 0.01 }), status: 'requeued' });
  expect(tally).toMatchObject({ succeeded: 0, failed: 0, cancelled: 0, processingMs: 0, byErrorCode: {} });
  expect(tally.models[0]).toMatchObject({ items: 0, calls: 2, costMicroUsd: 10_000 });
});

test('a failure without a code counts as a defect', () => {
  const tally = emptyTally();
  addResult(tally, failedRow({ error_code: null }));
  expect(tally.byErrorCode).toEqual({ INTERNAL: 1 });
});

test('a million images cost exactly a million times one', () => {
  const tally = emptyTally();
  const row = resultRow({ cost_usd: 0.0336 });
  for (let item = 0; item < 1_000_000; item += 1) addResult(tally, row);
  expect(totalCostUsd(tally)).toBe(33_600);
});

test('it stays small however many models the rows name, and loses none of their cost', () => {
  const tally = emptyTally();
  for (let item = 0; item < 1_000; item += 1) addResult(tally, resultRow({ model: `model-${String(item)}` }));
  expect(tally.models.length).toBe(51);
  expect(totalCostUsd(tally)).toBe(39);
});

test('it is plain JSON, and the order of rows changes no sum', () => {
  const anyRow = fc.record({
    status: fc.constantFrom('succeeded', 'failed', 'cancelled'),
    error_code: fc.constantFrom(null, 'TIMEOUT', 'AUTH'),
    model: fc.constantFrom('a', 'b', '__proto__', 'constructor'),
    cost_usd: fc.double({ min: 0, max: 10, noNaN: true }),
    processing_time_seconds: fc.double({ min: 0, max: 1_000, noNaN: true }),
    calls: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 50 }), (changes) => {
      const rows = changes.map((change) => resultRow(change));
      const forwards = emptyTally();
      const backwards = emptyTally();
      for (const row of rows) addResult(forwards, row);
      for (const row of rows.toReversed()) addResult(backwards, row);
      expect(JSON.parse(JSON.stringify(forwards))).toEqual(forwards);
      expect({ ...forwards, models: new Set(forwards.models) }).toEqual({
        ...backwards,
        models: new Set(backwards.models),
      });
      expect(forwards.succeeded + forwards.failed + forwards.cancelled).toBe(rows.length);
    }),
  );
});

test('seconds of video are counted where there is any', () => {
  const tally = emptyTally();
  addResult(tally, resultRow({ model: 'veo', images: 0, video_seconds: 8 }));
  addResult(tally, resultRow({ model: 'veo', images: 0, video_seconds: 4 }));
  expect(tally.models).toMatchObject([{ model: 'veo', videoSeconds: 12 }]);
});
