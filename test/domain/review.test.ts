import { expect, test } from 'vitest';
import { parseReviews, promptWithNotes, rejectionsOf, type Review } from '../../domain/review.ts';

const said = (itemId: string, result: string, change: Partial<Review>): Review => ({
  batch_id: 'b',
  request_id: itemId,
  decision: 'reject',
  note: null,
  result,
  at: '2026-11-26T06:00:00.000Z',
  ...change,
});

test('each result that was rejected counts once, and the last word on it holds', () => {
  const rejections = rejectionsOf([
    said('a', '1', { note: 'bluer' }),
    said('a', '1', { note: 'greener' }),
    said('a', '2', {}),
    said('a', '3', { note: 'larger' }),
    said('b', '1', {}),
    said('b', '1', { decision: 'approve' }),
  ]);
  expect([...rejections]).toEqual([['a', { times: 3, notes: ['greener', 'larger'] }]]);
  expect(promptWithNotes('a cat', rejections.get('a'))).toBe('a cat\n\ngreener\nlarger');
  expect(promptWithNotes('a cat', rejections.get('b'))).toBe('a cat');
});

test('what is damaged, or said of another batch in the directory, is left out', () => {
  const lines = [said('a', '1', {}), said('b', '1', { batch_id: 'other' })].map((review) => JSON.stringify(review));
  expect(parseReviews(`${lines.join('\n')}\n{"batch_id":"b"}\nno JSON`, 'b')).toEqual([said('a', '1', {})]);
});
