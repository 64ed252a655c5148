import { expect, test } from 'vitest';
import { formatCount, formatDuration, formatPercent, formatUsd } from '../../domain/format.ts';

test.each([
  [0, '$0.00'],
  [0.000_01, '<$0.0001'],
  [0.039, '$0.039'],
  [0.0336, '$0.0336'],
  [0.5, '$0.50'],
  [0.999_99, '$1.00'],
  [1, '$1.00'],
  [12.345, '$12.35'],
  [1234.5, '$1,234.50'],
  [-0.25, '-$0.25'],
])('%d USD reads %s', (costUsd, text) => {
  expect(formatUsd(costUsd)).toBe(text);
});

test.each([
  [-1, '0.0 s'],
  [0, '0.0 s'],
  [2.44, '2.4 s'],
  [9.96, '10 s'],
  [45.4, '45 s'],
  [59.7, '1 m 00 s'],
  [65, '1 m 05 s'],
  [3_599.6, '1 h 00 m'],
  [7_380, '2 h 03 m'],
  [86_399, '1 d 00 h'],
  [273_600, '3 d 04 h'],
])('%d seconds read %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0, '0%'],
  [0.000_1, '<0.1%'],
  [0.125, '12.5%'],
  [2 / 3, '66.7%'],
  [0.999_9, '99.9%'],
  [1, '100%'],
  [1.5, '150%'],
])('a share of %d reads %s', (share, text) => {
  expect(formatPercent(share)).toBe(text);
});

test.each([
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [1_234_567, '1,234,567'],
  [-1_000, '-1,000'],
])('a count of %d reads %s', (count, text) => {
  expect(formatCount(count)).toBe(text);
});
