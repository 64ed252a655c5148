import { parseReviews, reviewsKey, type Review } from '../domain/review.ts';
import type { Store } from './store.ts';

/** What people said of the finished items of a batch, in the order they said it. */
export async function readReviews(store: Store, batchId: string): Promise<Review[]> {
  const bytes = await store.get(reviewsKey);
  return bytes === null ? [] : parseReviews(bytes.toString('utf8'), batchId);
}

/** Adds one at the end. Whoever calls sees to it that nobody else does at the same time. */
export async function addReview(store: Store, review: Review): Promise<void> {
  const bytes = (await store.get(reviewsKey)) ?? Buffer.alloc(0);
  await store.put(reviewsKey, Buffer.concat([bytes, Buffer.from(`${JSON.stringify(review)}\n`)]));
}
