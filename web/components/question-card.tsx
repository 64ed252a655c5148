import type { InboxEntry } from '../api/replies.ts';
import { batchPath } from '../state/router.ts';
import { AnswerForm } from './answer-form.tsx';
import { FullMedia } from './media.tsx';
import { OnlyFor } from './only-for.tsx';
import { TimeAgo } from './time-ago.tsx';

/** What an item asks a person: the file to look at, and the answer. */
export function QuestionCard({ entry, now }: { entry: InboxEntry; now: number }) {
  const { artifact, batch_id: batchId, item_id: itemId, title, since } = entry;
  return (
    <li class="card question">
      <div class="question-media">
        {artifact !== null && <FullMedia batchId={batchId} path={artifact} alt={`Made for ${itemId}`} />}
      </div>
      <div class="stack">
        <div>
          <h2 class="wrap">{title}</h2>
          <p class="muted small wrap">
            {itemId} · <a href={batchPath(batchId)}>{batchId}</a> · <TimeAgo at={since} now={now} />
          </p>
        </div>
        <OnlyFor role="run" otherwise={<p class="muted">A token with the role run is needed to answer.</p>}>
          <AnswerForm entry={entry} />
        </OnlyFor>
      </div>
    </li>
  );
}
