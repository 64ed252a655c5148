import { useRef, useState } from 'preact/hooks';
import type { CreatedBatch, Plan } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { DropZone } from '../components/drop-zone.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Empty, Failure } from '../components/state-notes.tsx';
import { batchPath, navigate } from '../state/router.ts';
import { tell } from '../state/toasts.ts';
import { formatBytes } from '../../domain/format.ts';
import { Icon } from '../components/icon.tsx';
import { BatchOptionsFields } from './batch-options-fields.tsx';
import { PlanPreview } from './plan-preview.tsx';

/** A batch from a file: drop it, see what would run and what it would cost, then start it. */
export function NewBatchPage() {
  return (
    <>
      <PageHead
        title="New batch"
        lead={<p>A CSV or JSON lines, one item a row. Nothing starts before you say so.</p>}
      />
      <OnlyFor
        role="run"
        otherwise={
          <Empty icon="file" title="Your token may look, not start batches">
            <p>A token with the role run is needed.</p>
          </Empty>
        }
      >
        <NewBatchForm />
      </OnlyFor>
    </>
  );
}

function NewBatchForm() {
  const form = useRef<HTMLFormElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const [plan, setPlan] = useState<Plan | null>(null);
  const [busy, setBusy] = useState<'check' | 'start' | null>(null);
  const [error, setError] = useState<unknown>(null);
  /** Makes a second click, or a repeated request, the same batch. */
  const key = useRef(crypto.randomUUID());

  const ask = async <T,>(what: 'check' | 'start', chosen: File): Promise<T | null> => {
    setBusy(what);
    setError(null);
    try {
      const body = upload(form.current, chosen);
      const path = what === 'check' ? '/api/batches/plan' : '/api/batches';
      const headers: Record<string, string> = what === 'start' ? { 'idempotency-key': key.current } : {};
      return await send<T>('POST', path, body, headers);
    } catch (reason) {
      setError(reason);
      return null;
    } finally {
      setBusy(null);
    }
  };
  const check = async (chosen: File): Promise<void> => {
    setFile(chosen);
    setPlan(null);
    key.current = crypto.randomUUID();
    setPlan(await ask<Plan>('check', chosen));
  };
  const start = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (file === null) return;
    const created = await ask<CreatedBatch>('start', file);
    if (created === null) return;
    tell('good', 'The batch has started.');
    navigate(batchPath(created.batch_id));
  };
  return (
    <form
      ref={form}
      class="columns"
      onSubmit={(event) => void start(event)}
      onChange={(event) => {
        // What was worked out holds for other options no more.
        if (file !== null && event.target instanceof HTMLElement && event.target.dataset['plan'] !== undefined) {
          void check(file);
        }
      }}
    >
      <div class="stack">
        {file === null ? (
          <DropZone onFile={(chosen) => void check(chosen)} />
        ) : (
          <div class="card spread">
            <span class="row">
              <Icon name="file" />
              <b class="wrap">{file.name}</b>
              <span class="muted figure">{formatBytes(file.size)}</span>
            </span>
            <button type="button" class="button button-small" onClick={() => setFile(null)}>
              Another file
            </button>
          </div>
        )}
        {error !== null && <Failure error={error} />}
        {busy === 'check' && (
          <p class="muted" role="status">
            Reading {file?.name}…
          </p>
        )}
        {file !== null && plan !== null && <PlanPreview plan={plan} />}
      </div>
      <div class="stack">
        <BatchOptionsFields />
        <button
          type="submit"
          class="button button-primary button-large"
          disabled={file === null || plan === null || plan.total === 0 || busy !== null}
        >
          <Icon name="play" />
          {busy === 'start' ? 'Starting…' : 'Start the batch'}
        </button>
      </div>
    </form>
  );
}

/** The options and then the file, so that the API knows them before the first row arrives. */
function upload(form: HTMLFormElement | null, file: File): FormData {
  const body = new FormData();
  for (const [name, value] of form === null ? [] : new FormData(form)) {
    if (typeof value === 'string' && value.trim() !== '') body.append(name, value.trim());
  }
  body.append('file', file, file.name);
  return body;
}
