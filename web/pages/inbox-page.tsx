import type { InboxEntry, Listing } from '../api/replies.ts';
import { AnswerForm } from '../components/answer-form.tsx';
import { FullMedia } from '../components/media.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { TimeAgo } from '../components/time-ago.tsx';
import { questionKey } from '../state/answers.ts';
import { batchPath } from '../state/router.ts';
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
          <li key={questionKey(entry)} class="card question">
            <div class="question-media">
              {entry.artifact !== null && (
                <FullMedia batchId={entry.batch_id} path={entry.artifact} alt={`Made for ${entry.item_id}`} />
              )}
            </div>
            <div class="stack">
              <div>
                <h2 class="wrap">{entry.title}</h2>
                <p class="muted small wrap">
                  {entry.item_id} · <a href={batchPath(entry.batch_id)}>{entry.batch_id}</a> ·{' '}
                  <TimeAgo at={entry.since} now={now} />
                </p>
              </div>
              <OnlyFor role="run" otherwise={<p class="muted">A token with the role run is needed to answer.</p>}>
                <AnswerForm entry={entry} />
              </OnlyFor>
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
