import { z } from 'zod';
import { maxNoteLength } from './question.ts';

/** `reviews.jsonl`: what people said of finished items, a line each time. */
export const reviewsKey = 'reviews.jsonl';

export const reviewDecisions = ['approve', 'reject'] as const;

const reviewSchema = z.object({
  /** A batch that takes a directory over has nothing to do with the reviews of the one before. */
  batch_id: z.string(),
  request_id: z.string(),
  decision: z.enum(reviewDecisions),
  note: z.string().max(maxNoteLength).nullable(),
  /** `finished_at` of the result that was looked at: an item that was made again has not been reviewed since. */
  result: z.string(),
  /** ISO 8601, UTC. */
  at: z.string(),
});
export type Review = z.output<typeof reviewSchema>;

/** The reviews of a batch in the order they were given; what is damaged is left out. */
export function parseReviews(text: string, batchId: string): Review[] {
  return text.split('\n').flatMap((line) => {
    const review = parseReview(line);
    return review?.batch_id === batchId ? [review] : [];
  });
}

function parseReview(line: string): Review | null {
  try {
    return reviewSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}

/** Why and how an item is made again: how many of its results were rejected, and what was said of them. */
export interface Rejections {
  times: number;
  notes: string[];
}

/** What was rejected, by item. Of several reviews of one result the last holds. */
export function rejectionsOf(reviews: readonly Review[]): Map<string, Rejections> {
  const standing = new Map<string, Review>();
  for (const review of reviews) standing.set(`${review.request_id} ${review.result}`, review);
  const rejections = new Map<string, Rejections>();
  for (const { request_id: itemId, decision, note } of standing.values()) {
    if (decision !== 'reject') continue;
    const { times, notes } = rejections.get(itemId) ?? { times: 0, notes: [] };
    rejections.set(itemId, { times: times + 1, notes: note === null ? notes : [...notes, note] });
  }
  return rejections;
}

/** A prompt with what people said of what it made before. */
export function promptWithNotes(prompt: string, again: Rejections | undefined): string {
  return again === undefined || again.notes.length === 0 ? prompt : `${prompt}\n\n${again.notes.join('\n')}`;
}
