import { formatPercent } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import { failureWindow } from '../state/figures.ts';

/** Items the failure rate is taken over, as batches do it unless told otherwise. */
const windowSize = 50;

/** How the latest items ended, one mark each: what decides whether the batch pauses itself. */
export function FailureWindowCard({ rows }: { rows: readonly ResultRow[] }) {
  const marks = failureWindow(rows, windowSize);
  const failed = marks.filter(Boolean).length;
  const share = marks.length === 0 ? 0 : failed / marks.length;
  const look = share > 0.5 ? 'bad' : share > 0.2 ? 'warn' : 'good';
  return (
    <section class="card">
      <div class="card-head">
        <h2>Failure rate</h2>
        {marks.length > 0 && <span class={`badge badge-plain badge-${look} figure`}>{formatPercent(share)}</span>}
      </div>
      {marks.length === 0 ? (
        <p class="muted">Nothing has finished yet.</p>
      ) : (
        <>
          <div
            class="marks"
            role="img"
            aria-label={`${String(failed)} of the last ${String(marks.length)} items failed.`}
          >
            {marks.map((bad, place) => (
              <span key={place} class={bad ? 'bar-bad mark-bad' : 'bar-good'} />
            ))}
          </div>
          <p class="muted small marks-note">
            {failed} of the last {marks.length} items failed. Above 20% you are told, above 50% the batch pauses.
          </p>
        </>
      )}
    </section>
  );
}
