import { formatCount, formatPercent } from '../../domain/format.ts';

interface Counts {
  total: number;
  succeeded: number;
  failed: number;
  skipped: number;
  cancelled: number;
  running: number;
}

/** Items that came to an end of their own; what was cancelled did not. */
export function doneOf({ succeeded, failed, skipped }: Counts): number {
  return succeeded + failed + skipped;
}

/** How far a batch is: made, failed, left out, and under way, as parts of one bar. */
export function ProgressBar({ counts, large = false }: { counts: Counts; large?: boolean }) {
  const { total } = counts;
  const share = total === 0 ? 1 : doneOf(counts) / total;
  const parts = [
    { class: 'bar-good', count: counts.succeeded + counts.skipped },
    { class: 'bar-bad', count: counts.failed },
    { class: 'bar-idle', count: counts.cancelled },
    { class: 'bar-live', count: counts.running },
  ];
  return (
    <div
      class={large ? 'bar bar-large' : 'bar'}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(share * 100)}
      aria-valuetext={`${formatPercent(share)}, ${formatCount(doneOf(counts))} of ${formatCount(total)} items`}
    >
      {parts
        .filter(({ count }) => count > 0)
        .map((part) => (
          <span
            key={part.class}
            class={part.class}
            style={{ width: `${String((part.count / Math.max(1, total)) * 100)}%` }}
          />
        ))}
    </div>
  );
}
