import { expect, test } from 'vitest';
import { ModelHealth } from '../../activities/model-health.ts';

test('a model that fails three times in a row is passed over for half a minute, then tried again', () => {
  const health = new ModelHealth();
  for (const now of [0, 1_000]) health.failed('m', 'UNAVAILABLE', now);
  expect(() => health.assertUp('m', 1_000)).not.toThrow();
  health.failed('m', 'TIMEOUT', 2_000);
  expect(() => health.assertUp('m', 31_999)).toThrow('m is passed over: its last calls failed (TIMEOUT).');
  expect(() => health.assertUp('other', 31_999)).not.toThrow();
  expect(() => health.assertUp('m', 32_000)).not.toThrow();
});

test('a model that answers in between is not passed over', () => {
  const health = new ModelHealth();
  for (const code of ['UNAVAILABLE', 'UNAVAILABLE'] as const) health.failed('m', code, 0);
  health.isUp('m');
  health.failed('m', 'UNAVAILABLE', 0);
  expect(() => health.assertUp('m', 1)).not.toThrow();
});

test('a model without quota or key is passed over at once, one that refuses an item never', () => {
  const health = new ModelHealth();
  health.failed('poor', 'QUOTA_EXCEEDED', 0);
  for (let call = 0; call < 5; call += 1) health.failed('strict', 'CONTENT_BLOCKED', 0);
  expect(() => health.assertUp('poor', 1)).toThrow('QUOTA_EXCEEDED');
  expect(() => health.assertUp('strict', 1)).not.toThrow();
});
