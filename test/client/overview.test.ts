import { expect, test } from 'vitest';
import { itemsAhead } from '../../client/overview.ts';
import type { PriorityName } from '../../domain/priority.ts';

function batch(
  id: string,
  priority: PriorityName,
  createdAt: string,
  changes: Partial<Parameters<typeof itemsAhead>[0]> = {},
) {
  const standing = { batch_id: id, priority, created_at: createdAt, running: 2, pending: 10 };
  return { ...standing, status: 'running', flow: 'sprite', mode: 'live', ...changes } as const;
}

const old = batch('old', 'normal', '2026-01-01T00:00:00.000Z');
const young = batch('young', 'normal', '2026-01-02T00:00:00.000Z');
const urgent = batch('urgent', 'urgent', '2026-01-03T00:00:00.000Z', { pending: 0 });
const low = batch('low', 'low', '2025-01-01T00:00:00.000Z');

test('all items of more urgent batches are done before a batch is, and of those as urgent as many as its own', () => {
  const all = [young, low, urgent, old];
  expect(all.map((one) => itemsAhead(one, all))).toEqual([14, 26, 0, 14]);
  const large = batch('large', 'normal', '2026-01-04T00:00:00.000Z', { pending: 9_998 });
  expect(itemsAhead(young, [young, large])).toBe(12);
  expect(itemsAhead(large, [young, large])).toBe(12);
});

test('what is paused, of another flow or of other GPUs holds up nobody, and a batch that is paused has no place', () => {
  const others = [
    { ...old, status: 'paused' as const },
    { ...old, flow: 'image' },
    { ...old, mode: 'emulated' as const },
    { ...old, status: 'succeeded' as const },
  ];
  expect(itemsAhead(young, [young, ...others])).toBe(0);
  expect(itemsAhead({ ...young, status: 'paused' }, [old])).toBeNull();
});
