import { batchApi } from '../api/paths.ts';
import type { InboxEntry } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { attempt } from './toasts.ts';

export type Decision = InboxEntry['choices'][number];

/** Names a question among all that are open. */
export function questionKey({ batch_id: batchId, item_id: itemId, question }: InboxEntry): string {
  return `${batchId}/${itemId}/${question}`;
}

const done: Record<Decision, string> = {
  approve: 'Approved.',
  reject: 'Rejected.',
  edit: 'Your text takes its place.',
};

/** Answers a question; the item then goes on. Returns whether it was taken. */
export function answer(
  entry: InboxEntry,
  decision: Decision,
  { note, text }: { note?: string; text?: string } = {},
): Promise<boolean> {
  const path = batchApi(entry.batch_id, `/jobs/${encodeURIComponent(entry.item_id)}/answer`);
  return attempt(done[decision], () =>
    send('POST', path, {
      decision,
      question: entry.question,
      ...(note === undefined || note.trim() === '' ? {} : { note: note.trim() }),
      ...(text === undefined ? {} : { text }),
    }),
  );
}
