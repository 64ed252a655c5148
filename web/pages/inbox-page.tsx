import type { InboxEntry, Listing } from '../api/replies.ts';
import { PageHead } from '../components/page-head.tsx';
import { QuestionCard } from '../components/question-card.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { questionKey } from '../state/answers.ts';
import { useNow } from '../state/use-now.ts';
import { useResource } from '../state/use-resource.ts';

/** Questions shown at once; the next ones come when these are answered. */
const shownAtMost = 50;

/** What waits for a person, the longest first. */
export function InboxPage() {
  const { data, error } = useResource<Listing<InboxEntry>>('/api/inbox', { everyMs: 5_000 });
  const now = useNow(true);
  const entries = data?.data ?? [];
  return (
    <>
      <PageHead
        title="Inbox"
        lead={<p>Items that wait for an answer. They wait as long as it takes, and cost nothing meanwhile.</p>}
      />
      {error !== null && <Failure error={error} />}
      {data === null && error === null && <Loading />}
      {data !== null && entries.length === 0 && (
        <Empty icon="inbox" title="Nothing waits for you">
          <p>Flows with a step that asks for approval put their questions here.</p>
        </Empty>
      )}
      <ul class="stack">
        {entries.slice(0, shownAtMost).map((entry) => (
          <QuestionCard key={questionKey(entry)} entry={entry} now={now} />
        ))}
      </ul>
    </>
  );
}
