import { expect, test } from 'vitest';
import { fairnessKey, priorityAt, priorityKey } from '../../domain/priority.ts';

const deadline = '2026-12-04T12:00:00+02:00';
const before = (hours: number): number => Date.parse('2026-12-04T10:00:00Z') - hours * 3_600_000;

test('a deadline raises a priority three days and one day before it, and never lowers one', () => {
  const at = (priority: 'low' | 'normal' | 'high' | 'urgent', hours: number) =>
    priorityAt({ priority, deadline }, before(hours));
  expect([100, 72, 71, 24, 23, 0, -50].map((hours) => at('normal', hours))).toEqual([
    ...['normal', 'normal', 'high', 'high', 'critical', 'critical', 'critical'],
  ]);
  expect(at('low', 100)).toBe('low');
  expect(at('low', 71)).toBe('high');
  expect(at('urgent', 71)).toBe('urgent');
  expect(priorityAt({ priority: 'low' }, before(0))).toBe('low');
});

test('urgent is another name for critical', () => {
  expect(priorityKey('urgent')).toBe(priorityKey('critical'));
});

test('the fairness key of a project is its name, or as much of it as has room in 64 bytes', () => {
  expect(fairnessKey('novel')).toBe('novel');
  expect(Buffer.byteLength(fairnessKey('小説'.repeat(50)))).toBeLessThanOrEqual(64);
  expect(Buffer.byteLength(fairnessKey('a'.repeat(100)))).toBeLessThanOrEqual(64);
});
