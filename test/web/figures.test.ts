import { expect, test } from 'vitest';
import type { ResultRow } from '../../domain/result.ts';
import { failuresByCode, failureWindow, ratePerMinute, throughputOf, usageByModel } from '../../web/state/figures.ts';
import { selectRows } from '../../web/state/gallery.ts';

const start = Date.parse('2026-11-25T10:00:00Z');

function row(id: string, change: Partial<ResultRow> & { afterSeconds?: number } = {}): ResultRow {
  const { afterSeconds = 0, ...fields } = change;
  return {
    request_id: id,
    index: 0,
    status: 'succeeded',
    output_path: `images/${id}.png`,
    error_code: null,
    error_message: null,
    processing_time_seconds: 1,
    model: 'm',
    seed: 1,
    input_hash: '',
    calls: 1,
    input_tokens: 10,
    output_tokens: 20,
    images: 1,
    cost_usd: 0.1,
    finished_at: new Date(start + afterSeconds * 1_000).toISOString(),
    ...fields,
  };
}
const failed = (id: string, change: Parameters<typeof row>[1] = {}): ResultRow =>
  row(id, { status: 'failed', output_path: null, error_code: 'TIMEOUT', ...change });

test('throughput counts items in slices of a round length, and leaves gaps empty', () => {
  const rows = [row('a'), failed('b', { afterSeconds: 2 }), row('c', { afterSeconds: 9.5 })];
  const { sliceMs, slices } = throughputOf(rows, null);
  expect(sliceMs).toBe(1_000);
  expect(slices.map(({ succeeded, failed: bad }) => `${String(succeeded)}/${String(bad)}`)).toEqual([
    '1/0',
    '0/0',
    '0/1',
    ...Array.from({ length: 6 }, () => '0/0'),
    '1/0',
  ]);
});

test('however long a batch takes, there are at most sixty slices', () => {
  for (const hours of [1, 30, 1_000, 5_000]) {
    const { slices } = throughputOf([row('a'), row('b', { afterSeconds: hours * 3_600 })], null);
    expect(slices.length).toBeLessThanOrEqual(60);
    expect(slices.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(2);
  }
});

test('the rate is that of the last minute, or of the time since the start while that is less', () => {
  const rows = [row('a', { afterSeconds: 10 }), row('b', { afterSeconds: 100 }), row('c', { afterSeconds: 110 })];
  expect(ratePerMinute(rows, start, start + 120_000)).toBe(2);
  expect(ratePerMinute(rows.slice(0, 1), start, start + 15_000)).toBe(4);
  expect(ratePerMinute([], start, start)).toBe(0);
});

test('the failure window holds the latest items that ended by themselves', () => {
  const rows = [failed('a'), row('b', { status: 'cancelled' }), row('c'), failed('d')];
  expect(failureWindow(rows, 2)).toEqual([false, true]);
  expect(failureWindow(rows, 50)).toEqual([true, false, true]);
});

test('failures are grouped by code, most first; usage by model, dearest first', () => {
  const rows = [failed('a'), failed('b', { error_code: 'NO_OUTPUT', model: 'n', cost_usd: 3 }), failed('c')];
  expect(failuresByCode(rows).map(({ code, rows: { length } }) => [code, length])).toEqual([
    ['TIMEOUT', 2],
    ['NO_OUTPUT', 1],
  ]);
  expect(usageByModel(rows).map(({ model, items, costUsd }) => [model, items, costUsd])).toEqual([
    ['n', 1, 3],
    ['m', 2, 0.2],
  ]);
});

test('the gallery is narrowed by result, model and text, in the order of the input', () => {
  const rows = [row('fox-2', { index: 1 }), row('fox-1'), failed('owl', { index: 2, error_message: 'No FOX here' })];
  const ids = (change: Partial<Parameters<typeof selectRows>[1]>): string[] =>
    selectRows(rows, { filter: 'all', model: '', text: '', ...change }).map(({ request_id: id }) => id);
  expect(ids({ text: ' fox ' })).toEqual(['fox-1', 'fox-2', 'owl']);
  expect(ids({ text: 'harbour', byPrompt: new Set(['fox-1']) })).toEqual(['fox-1']);
  expect(ids({ filter: 'failed' })).toEqual(['owl']);
  expect(ids({ model: 'other' })).toEqual([]);
});
