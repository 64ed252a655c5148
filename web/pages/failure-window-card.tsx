import { formatPercent } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import type { BatchDetail } from '../api/replies.ts';
import { failureWindow } from '../state/figures.ts';

/** As many marks as a card has room for; the figures are of all. */
const drawn = 100;

interface FailureWindowCardProps {
  detail: BatchDetail;
  rows: readonly ResultRow[];
}

/** How the latest items ended, one mark each: what the batch itself goes by when it decides whether to pause. */
export function FailureWindowCard({ detail, rows }: FailureWindowCardProps) {
  const { failure_policy: policy, failure_window: window } = detail;
  // A batch that has closed judges nothing any more; its last items still tell how it went.
  const marks = window === null ? failureWindow(rows, policy.window) : [...window].map((mark) => mark === '1');
  const failed = marks.filter(Boolean).length;
  const share = marks.length === 0 ? 0 : failed / marks.length;
  const meaningful = marks.length >= Math.min(policy.min_sample, policy.window);
  const look = !meaningful || share <= policy.notice_above ? 'good' : share <= policy.pause_above ? 'warn' : 'bad';
  return (
    <section class="card" aria-label="Failure rate">
      <div class="card-head">
        <h2>Failure rate</h2>
        {marks.length > 0 && <span class={`badge badge-plain badge-${look} figure`}>{formatPercent(share)}</span>}
      </div>
      {marks.length === 0 ? (
        <p class="muted">Nothing has finished {window === null ? 'yet' : 'since it started or was resumed'}.</p>
      ) : (
        <>
          <div
            class="marks"
            role="img"
            aria-label={`${String(failed)} of the last ${String(marks.length)} items failed.`}
          >
            {marks.slice(-drawn).map((bad, place) => (
              <span key={place} class={bad ? 'bar-bad mark-bad' : 'bar-good'} />
            ))}
          </div>
          <p class="muted small marks-note">
            {failed} of the last {marks.length} items failed.
          </p>
        </>
      )}
      <p class="muted small">{rule(detail)}</p>
    </section>
  );
}

/** What the batch does about failures, by its own policy and limits. */
function rule({ failure_policy: policy, error_policy: errors, limits }: BatchDetail): string {
  if (errors === 'stop') return 'The first failure ends the batch.';
  const { window, min_sample: sample, notice_above: notice, pause_above: pause } = policy;
  const { tolerated_failures: count, tolerated_failure_percent: percent } = limits;
  const deeds = [
    ...(notice < 1 ? [`above ${formatPercent(notice)} you are told`] : []),
    ...(pause < 1 ? [`above ${formatPercent(pause)} the batch pauses`] : []),
  ];
  const rate =
    deeds.length === 0
      ? 'However many fail, the batch goes on.'
      : `Of the last ${String(window)}, once ${String(Math.min(sample, window))} have finished: ${deeds.join(', ')}.`;
  const tolerated = [
    ...(count === null ? [] : [`${String(count)} failures`]),
    ...(percent === null ? [] : [`${formatPercent(percent / 100)} of all`]),
  ];
  return tolerated.length === 0 ? rate : `${rate} It also pauses above ${tolerated.join(' or ')}.`;
}
