import { useId, useRef, useState } from 'preact/hooks';
import type { ScheduleReport } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { Icon } from '../components/icon.tsx';
import { NumberField } from '../components/number-field.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Segments } from '../components/segments.tsx';
import { Empty, Failure } from '../components/state-notes.tsx';
import { TextField } from '../components/text-field.tsx';
import { navigate } from '../state/router.ts';
import { scheduleBody } from '../state/schedule-body.ts';
import { tell } from '../state/toasts.ts';
import { BatchOptionsFields } from './batch-options-fields.tsx';

const inputs = [
  { value: 'file', label: 'A file from here' },
  { value: 'path', label: 'A path' },
  { value: 'url', label: 'An address' },
] as const;
const timings = [
  { value: 'cron', label: 'Cron' },
  { value: 'every', label: 'Interval' },
] as const;

/** A batch that recurs: when, from what, and with which options. */
export function NewSchedulePage() {
  return (
    <>
      <PageHead title="New schedule" lead={<p>A batch that recurs; each run reads its input anew.</p>} />
      <OnlyFor
        role="admin"
        otherwise={
          <Empty icon="schedules" title="Your token may not make schedules">
            <p>A token with the role admin is needed.</p>
          </Empty>
        }
      >
        <NewScheduleForm />
      </OnlyFor>
    </>
  );
}

function NewScheduleForm() {
  const form = useRef<HTMLFormElement>(null);
  const [input, setInput] = useState<(typeof inputs)[number]['value']>('file');
  const [timing, setTiming] = useState<(typeof timings)[number]['value']>('cron');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const create = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (form.current === null) return;
    setBusy(true);
    setError(null);
    try {
      const made = await send<ScheduleReport>('POST', '/api/schedules', scheduleBody(new FormData(form.current)));
      tell('good', `The schedule ${made.schedule_id} is made.`);
      navigate('/schedules');
    } catch (reason) {
      setError(reason);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form ref={form} class="columns" onSubmit={(event) => void create(event)}>
      <div class="stack">
        <section class="card stack">
          <h2>When</h2>
          <TextField
            name="schedule_id"
            label="Name"
            required
            maxLength={60}
            pattern="[A-Za-z0-9][A-Za-z0-9_\-]*"
            hint="Letters, digits, - and _; ids of its batches begin with it."
          />
          <Segments label="Kind of time" value={timing} options={timings} onChange={setTiming} />
          <div class="fields">
            {timing === 'cron' ? (
              <TextField
                name="cron"
                label="Cron"
                required
                placeholder="0 2 * * *"
                hint="Or @hourly, @daily, @weekly."
              />
            ) : (
              <NumberField name="every_minutes" label="Every, minutes" required min={1} placeholder="60" />
            )}
            <TextField
              name="time_zone"
              label="Time zone"
              value={Intl.DateTimeFormat().resolvedOptions().timeZone}
              hint="As Europe/Berlin."
            />
          </div>
          <TextField name="note" label="Note" maxLength={500} />
        </section>
        <section class="card stack">
          <h2>Input</h2>
          <Segments label="Kind of input" value={input} options={inputs} onChange={setInput} />
          <InputField kind={input} />
        </section>
        {error !== null && <Failure error={error} />}
      </div>
      <div class="stack">
        <BatchOptionsFields />
        <button type="submit" class="button button-primary button-large" disabled={busy}>
          <Icon name="schedules" />
          {busy ? 'Making it…' : 'Make the schedule'}
        </button>
      </div>
    </form>
  );
}

function InputField({ kind }: { kind: (typeof inputs)[number]['value'] }) {
  const id = useId();
  if (kind === 'path') {
    const hint = 'Below input_root of the engine’s configuration; {{ date }} and the like are filled in by each run.';
    return <TextField name="path" label="Path" required placeholder="prompts/{{ date }}.csv" hint={hint} />;
  }
  if (kind === 'url') {
    const hint = 'Below one of input_urls of the engine’s configuration. It is shown, so it must hold no secret.';
    return <TextField name="url" label="Address" required hint={hint} />;
  }
  return (
    <div class="field">
      <label htmlFor={id}>File</label>
      <input id={id} class="input" type="file" name="file" required accept=".csv,.jsonl,.ndjson,.tsv,.txt" />
      <p class="hint">It is kept on the engine for as long as the schedule is there.</p>
    </div>
  );
}
