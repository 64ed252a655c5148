import { useState } from 'preact/hooks';
import { formatDuration, formatUsd } from '../../domain/format.ts';
import type { Listing, ScheduleListEntry, ScheduleReport } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { Confirm } from '../components/confirm.tsx';
import { Icon } from '../components/icon.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { exactTime } from '../components/time-ago.tsx';
import { batchPath } from '../state/router.ts';
import { attempt } from '../state/toasts.ts';
import { useResource } from '../state/use-resource.ts';

const runsShown = 5;

/** Batches that recur: when next, how the last ones went, pause and run now. */
export function SchedulesPage() {
  const { data, error } = useResource<Listing<ScheduleListEntry>>('/api/schedules', { everyMs: 5_000 });
  return (
    <>
      <PageHead title="Schedules" lead={<p>Batches that recur; each run reads its input anew.</p>}>
        <OnlyFor role="admin">
          <a class="button button-primary" href="/schedules/new">
            <Icon name="plus" />
            New schedule
          </a>
        </OnlyFor>
      </PageHead>
      {error !== null && <Failure error={error} />}
      {data === null && error === null && <Loading />}
      {data?.data.length === 0 && (
        <Empty icon="schedules" title="No schedules yet">
          <OnlyFor role="admin">
            <p>Make one here, or from the command line:</p>
            <code>sluice schedule create nightly prompts.csv --cron "0 2 * * *"</code>
          </OnlyFor>
        </Empty>
      )}
      <ul class="stack">
        {data?.data.map((schedule) => (
          <ScheduleCard key={schedule.schedule_id} id={schedule.schedule_id} />
        ))}
      </ul>
    </>
  );
}

/** A schedule of the list; what its runs came to is asked for by itself. */
function ScheduleCard({ id }: { id: string }) {
  const path = `/api/schedules/${encodeURIComponent(id)}`;
  const { data: schedule, error } = useResource<ScheduleReport>(path, { everyMs: 5_000 });
  const [removing, setRemoving] = useState(false);
  if (schedule === null)
    return <li class="card">{error === null ? <Loading lines={1} /> : <Failure error={error} />}</li>;
  const { paused, note, next_runs: next, runs } = schedule;
  const tell = (what: 'pause' | 'resume' | 'run', done: string): Promise<boolean> =>
    attempt(done, () => send('POST', `${path}/${what}`));
  return (
    <li class="card">
      <div class="spread schedule-head">
        <div>
          <h2 class="row">
            <span class="wrap">{id}</span>
            <span class={paused ? 'badge badge-warn' : 'badge badge-good'}>{paused ? 'Paused' : 'Active'}</span>
          </h2>
          <p class="muted">
            {timing(schedule)}
            {note !== '' && ` · ${note}`}
          </p>
        </div>
        <OnlyFor role="run">
          <div class="row">
            <button type="button" class="button button-small" onClick={() => void tell('run', 'A run has started.')}>
              <Icon name="play" />
              Run now
            </button>
            {paused ? (
              <button type="button" class="button button-small" onClick={() => void tell('resume', 'It runs again.')}>
                <Icon name="play" />
                Resume
              </button>
            ) : (
              <button type="button" class="button button-small" onClick={() => void tell('pause', 'It is paused.')}>
                <Icon name="pause" />
                Pause
              </button>
            )}
            <OnlyFor role="admin">
              <button type="button" class="button button-small button-danger" onClick={() => setRemoving(true)}>
                <Icon name="cross" />
                Remove
              </button>
            </OnlyFor>
          </div>
        </OnlyFor>
      </div>
      <dl class="facts">
        <div>
          <dt>Next</dt>
          <dd>{paused || next[0] === undefined ? '–' : exactTime(next[0])}</dd>
        </div>
        <div>
          <dt>Input</dt>
          <dd class="wrap">{schedule.input}</dd>
        </div>
        <div>
          <dt>Flow</dt>
          <dd>{schedule.flow}</dd>
        </div>
      </dl>
      {removing && (
        <Confirm
          title={`Remove the schedule ${id}?`}
          text="No more runs are made. Batches it has made stay, also those that run."
          deed="Remove the schedule"
          danger
          onConfirm={() => attempt('The schedule is removed.', () => send('DELETE', path))}
          onClose={() => setRemoving(false)}
        />
      )}
      {runs.length > 0 && (
        <ul class="runs">
          {runs.slice(0, runsShown).map((run) => (
            <li key={run.batch_id}>
              <a class="ellipsis" href={batchPath(run.batch_id)}>
                {exactTime(run.scheduled_at)}
              </a>
              <span class="muted small ellipsis">{run.error_message ?? costOf(run.cost_usd)}</span>
              <StatusBadge status={run.status} />
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}

function costOf(cost: number | null): string {
  return cost === null ? '' : formatUsd(cost);
}

/** When it runs, in one line. */
function timing({ cron, every_seconds: every, time_zone: zone }: ScheduleReport): string {
  return [...cron, ...(every === null ? [] : [`every ${formatDuration(every)}`]), zone].join(' · ');
}
