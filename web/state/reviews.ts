import { useMemo } from 'preact/hooks';
import type { ResultRow } from '../../domain/result.ts';
import { batchApi } from '../api/paths.ts';
import type { Listing, ReviewEntry } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { attempt } from './toasts.ts';
import { useResource } from './use-resource.ts';

/** The latest review of each item. */
export type Reviews = ReadonlyMap<string, ReviewEntry>;

/** What stands of the result that is shown: a review of an earlier one says nothing of it. */
export type Standing = 'approved' | 'rejected' | 'open';

export const standings: readonly { value: Standing; label: string }[] = [
  { value: 'open', label: 'Not reviewed' },
  { value: 'approved', label: 'Approved' },
  { value: 'rejected', label: 'Rejected' },
];

export function useReviews(batchId: string): Reviews {
  const { data } = useResource<Listing<ReviewEntry>>(batchApi(batchId, '/reviews'), { everyMs: 10_000 });
  return useMemo(() => new Map((data?.data ?? []).map((review) => [review.item_id, review])), [data]);
}

export function standingOf({ request_id: itemId, finished_at: finishedAt }: ResultRow, reviews: Reviews): Standing {
  const review = reviews.get(itemId);
  if (review?.result !== finishedAt) return 'open';
  return review.decision === 'approve' ? 'approved' : 'rejected';
}

/** Approves or rejects what an item made. Returns whether it was taken. */
export function giveReview(
  batchId: string,
  itemId: string,
  decision: ReviewEntry['decision'],
  note: string,
): Promise<boolean> {
  const path = batchApi(batchId, `/jobs/${encodeURIComponent(itemId)}/review`);
  const done = decision === 'approve' ? `${itemId} is approved.` : `${itemId} is made again.`;
  return attempt(done, () => send('POST', path, { decision, ...(note.trim() === '' ? {} : { note: note.trim() }) }));
}
