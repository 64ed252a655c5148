import { expect, test } from 'vitest';
import { RateWindow } from '../../../emulators/shared/rate-window.ts';

test('an event fits again once the one that blocks it is a whole window old', () => {
  const window = new RateWindow(60_000);
  window.add(0);
  window.add(50_000);
  expect(window.waitMs(50_001, 3)).toBe(0);
  expect(window.waitMs(59_999, 2)).toBe(1);
  expect(window.waitMs(60_000, 2)).toBe(0);
  window.add(60_000);
  expect(window.waitMs(60_001, 2)).toBe(49_999);
});

test('under a lowered limit the wait is for as many events as are too many', () => {
  const window = new RateWindow(100);
  for (const at of [0, 10, 20]) window.add(at);
  expect(window.waitMs(30, 1)).toBe(90);
});

test('the fullest window is remembered, over any number of events', () => {
  const window = new RateWindow(100);
  for (let at = 0; at < 30_000; at += 10) window.add(at);
  expect(window.max).toBe(10);
  for (let n = 0; n < 15; n++) window.add(30_000);
  for (let at = 40_000; at < 400_000; at += 10) window.add(at);
  expect(window.max).toBe(24);
});
