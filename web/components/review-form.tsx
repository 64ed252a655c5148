import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ResultRow } from '../../domain/result.ts';
import type { ReviewEntry } from '../api/replies.ts';
import { giveReview } from '../state/reviews.ts';
import { dialogShortcuts, useShortcuts } from '../state/shortcuts.ts';
import { Icon } from './icon.tsx';

interface ReviewFormProps {
  batchId: string;
  row: ResultRow;
  /** The review was taken. */
  onDone: () => void;
}

/** Approve what an item made, or reject it with a note: it is then made again. */
export function ReviewForm({ batchId, row: { request_id: itemId }, onDone }: ReviewFormProps) {
  const [busy, setBusy] = useState(false);
  const note = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const left = useRef(false);
  useEffect(
    () => () => {
      left.current = true;
    },
    [],
  );
  const give = async (decision: ReviewEntry['decision']): Promise<void> => {
    if (busy) return;
    setBusy(true);
    const taken = await giveReview(batchId, itemId, decision, note.current?.value ?? '');
    // Who has gone on meanwhile is not to be taken elsewhere.
    if (left.current) return;
    setBusy(false);
    if (!taken) return;
    if (note.current !== null) note.current.value = '';
    onDone();
  };
  useShortcuts(dialogShortcuts, [
    { keys: 'a', label: 'Approve', run: () => void give('approve') },
    { keys: 'r', label: 'Reject: write a note', run: () => note.current?.focus() },
  ]);
  return (
    <div class="stack-small">
      <div class="field">
        <label htmlFor={id}>Note</label>
        <textarea
          id={id}
          class="input note-text"
          ref={note}
          maxLength={4_000}
          rows={2}
          aria-describedby={`${id}-hint`}
        />
        <p class="hint" id={`${id}-hint`}>
          What is rejected is made again, with another seed and your note after the prompt.
        </p>
      </div>
      <div class="row">
        <button type="button" class="button button-good" disabled={busy} onClick={() => void give('approve')}>
          <Icon name="check" />
          Approve
        </button>
        <button type="button" class="button button-danger" disabled={busy} onClick={() => void give('reject')}>
          <Icon name="cross" />
          Reject
        </button>
      </div>
    </div>
  );
}
