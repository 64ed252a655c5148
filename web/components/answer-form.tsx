import { useId, useRef, useState } from 'preact/hooks';
import type { InboxEntry } from '../api/replies.ts';
import { request } from '../api/request.ts';
import { answer, type Decision } from '../state/answers.ts';
import { artifactUrl } from '../state/artifacts.ts';
import { describe, tell } from '../state/toasts.ts';
import { Icon } from './icon.tsx';

/** Approve, reject with a note that reaches the next try, or put one's own text in its place. */
export function AnswerForm({ entry }: { entry: InboxEntry }) {
  const { artifact: path, choices, batch_id: batchId } = entry;
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState<string | null>(null);
  const note = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const give = async (decision: Decision): Promise<void> => {
    setBusy(true);
    const extra = decision === 'edit' && text !== null ? { text } : {};
    await answer(entry, decision, { note: note.current?.value ?? '', ...extra });
    setBusy(false);
  };
  const edit = async (): Promise<void> => {
    if (path === null) return;
    try {
      setText(await (await request(artifactUrl(batchId, path), { headers: { accept: '*/*' } })).text());
    } catch (error) {
      tell('bad', describe(error));
    }
  };
  const may = (decision: Decision): boolean => choices.includes(decision);
  return (
    <div class="stack-small">
      {text !== null && (
        <div class="field">
          <label htmlFor={`${id}-text`}>Your text</label>
          <textarea
            id={`${id}-text`}
            class="input edit-text"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </div>
      )}
      <div class="field">
        <label htmlFor={`${id}-note`}>Note</label>
        <textarea id={`${id}-note`} class="input note-text" ref={note} maxLength={4_000} rows={2} />
        <p class="hint">A note to a rejection reaches the next try.</p>
      </div>
      <div class="row">
        {may('approve') && (
          <button type="button" class="button button-good" disabled={busy} onClick={() => void give('approve')}>
            <Icon name="check" />
            Approve
          </button>
        )}
        {may('reject') && (
          <button type="button" class="button button-danger" disabled={busy} onClick={() => void give('reject')}>
            <Icon name="cross" />
            Reject
          </button>
        )}
        {may('edit') && text === null && path !== null && (
          <button type="button" class="button" disabled={busy} onClick={() => void edit()}>
            Edit
          </button>
        )}
        {text !== null && (
          <button
            type="button"
            class="button button-primary"
            disabled={busy || text.trim() === ''}
            onClick={() => void give('edit')}
          >
            Use my text
          </button>
        )}
      </div>
    </div>
  );
}
