import { formatCount } from '../../domain/format.ts';
import type { InboxEntry, Listing } from '../api/replies.ts';
import { questionKey } from '../state/answers.ts';
import { useNow } from '../state/use-now.ts';
import { useResource } from '../state/use-resource.ts';
import { QuestionCard } from './question-card.tsx';

/** Questions shown at once; the next ones come when these are answered. */
const shownAtMost = 3;

/** What items of a batch ask a person, above what others of it have made. */
export function OpenQuestions({ batchId }: { batchId: string }) {
  const { data } = useResource<Listing<InboxEntry>>(`/api/inbox?batch=${encodeURIComponent(batchId)}`, {
    everyMs: 5_000,
  });
  const now = useNow(true);
  const entries = data?.data ?? [];
  if (entries.length === 0) return null;
  return (
    <section class="stack open-questions" aria-label="Waiting for an answer">
      <h2>{entries.length === 1 ? '1 item waits' : `${formatCount(entries.length)} items wait`} for an answer</h2>
      <ul class="stack">
        {entries.slice(0, shownAtMost).map((entry) => (
          <QuestionCard key={questionKey(entry)} entry={entry} now={now} />
        ))}
      </ul>
      {entries.length > shownAtMost && <a href="/inbox">All of them, in the inbox</a>}
    </section>
  );
}
