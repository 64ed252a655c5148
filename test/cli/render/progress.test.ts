import { expect, test } from 'vitest';
import { doneOf, RateMeter, renderBlock, renderLine } from '../../../cli/render/progress.ts';
import type { BatchProgress } from '../../../domain/batch.ts';

const progress: BatchProgress = {
  batchId: 'batch_a',
  flow: 'image',
  storeUri: 'file:///out',
  mode: 'emulated',
  status: 'running',
  counts: {
    total: 1_200,
    succeeded: 290,
    failed: 5,
    skipped: 5,
    rejected: 0,
    cancelled: 0,
    running: 10,
    waiting: 0,
    pending: 890,
  },
  costUsd: 11.5,
  startedAtMs: 0,
  pause: null,
  notices: [],
  limits: {
    concurrency: 10,
    ratePerMinute: 60,
    budgetUsd: 50,
    toleratedFailure: { count: null, percent: null, minSample: 10 },
  },
  running: Array.from({ length: 10 }, (_, index) => ({
    itemId: `item-${String(index)}`,
    label: `picture 猫 ${String(index)}`,
    model: 'gemini-2.5-flash-image',
    seed: 7,
    startedAtMs: 56_000,
  })),
  recent: [],
  recentFrom: 0,
  window: '',
};

test('a terminal shows bar, share, rate, elapsed time, ETA, cost, and running items with model and seconds', () => {
  const lines = renderBlock(progress, 300, 60_000, 200).split('\n');
  expect(lines[0]).toBe(`[${'█'.repeat(8)}${'░'.repeat(22)}] 25%  300/1,200  300.0/min  1 m 00 s, ETA 3 m 00 s`);
  expect(lines[1]).toBe('  done 295 · failed 5 · running 10 · pending 890 · cost $11.50 of $50.00 (emulated)');
  expect(lines[2]).toBe('  → picture 猫 0  gemini-2.5-flash-image  seed 7  4.0 s');
  expect(lines.at(-1)).toBe('  … and 2 more');
});

test('of sprites those come first that have a prompt on a GPU, with endpoint and step', () => {
  const prompt = { item_id: 'item-9', label: 'x', endpoint: 'studio', count: 4, step: { value: 7, max: 20 } };
  const queued = { ...prompt, item_id: 'item-3', step: null };
  const lines = renderBlock(progress, 300, 60_000, 200, [prompt, queued]).split('\n').slice(2, 5);
  expect(lines.map((line) => line.slice(4))).toEqual([
    'picture 猫 3  gemini-2.5-flash-image  seed 7  4.0 s  studio no step yet',
    'picture 猫 9  gemini-2.5-flash-image  seed 7  4.0 s  studio step 7/20',
    'picture 猫 0  gemini-2.5-flash-image  seed 7  4.0 s',
  ]);
});

test('no line is wider than the terminal, and a pause shows its reason', () => {
  const pause = { kind: 'budget', reason: 'Budget reached: '.repeat(20), action: '', since: '' } as const;
  const lines = renderBlock({ ...progress, pause }, 0, 60_000, 40).split('\n');
  expect(lines.every((line) => [...line].length <= 40)).toBe(true);
  expect(lines[2]).toMatch(/^ {2}PAUSED: Budget reached/);
});

test('a pipe gets the same as one line', () => {
  expect(renderLine(progress, 300)).toBe('running 300/1200 done, 5 failed, 10 running, 300.0/min, $11.50');
});

test('the rate is that of the last half minute', () => {
  const meter = new RateMeter();
  expect(meter.perMinute).toBe(0);
  for (let second = 0; second <= 60; second++) meter.add(second * 1_000, second < 30 ? 0 : second - 30);
  expect(meter.perMinute).toBeCloseTo(60);
  expect(doneOf(progress)).toBe(300);
});
