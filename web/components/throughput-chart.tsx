import { formatCount, formatDuration } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import { throughputOf } from '../state/figures.ts';

const width = 600;
const height = 140;

/** Items finished over time, failed ones on top of the others. */
export function ThroughputChart({ rows, nowMs }: { rows: readonly ResultRow[]; nowMs: number | null }) {
  const { slices, sliceMs } = throughputOf(rows, nowMs);
  const first = slices[0];
  const last = slices.at(-1);
  if (first === undefined || last === undefined) return <p class="muted">Nothing has finished yet.</p>;
  const most = slices.reduce((max, { succeeded, failed }) => Math.max(max, succeeded + failed), 1);
  const step = width / slices.length;
  const bar = Math.max(1, Math.min(step * 0.72, 28));
  const scale = (count: number): number => (count / most) * (height - 4);
  const label = `Items finished per ${formatDuration(sliceMs / 1_000)}: ${formatCount(most)} at most, ${formatCount(last.succeeded + last.failed)} in the latest.`;
  return (
    <figure class="chart">
      <div class="chart-top muted small figure">
        <span>{formatCount(most)}</span>
        <span>items per {sliceName(sliceMs)}</span>
      </div>
      <svg viewBox={`0 0 ${String(width)} ${String(height)}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {[0, 0.5, 1].map((share) => (
          <line
            key={share}
            class="chart-line"
            x1="0"
            x2={width}
            y1={height - share * (height - 4)}
            y2={height - share * (height - 4)}
          />
        ))}
        {slices.map(({ atMs, succeeded, failed }, place) => {
          const x = place * step + (step - bar) / 2;
          const good = scale(succeeded);
          const bad = scale(failed);
          return (
            <g key={atMs}>
              {succeeded > 0 && <rect class="chart-good" x={x} y={height - good} width={bar} height={good} />}
              {failed > 0 && <rect class="chart-bad" x={x} y={height - good - bad} width={bar} height={bad} />}
            </g>
          );
        })}
      </svg>
      <figcaption class="chart-top muted small figure">
        <span>{timeOfDay(first.atMs)}</span>
        <span>{timeOfDay(last.atMs)}</span>
      </figcaption>
    </figure>
  );
}

function sliceName(sliceMs: number): string {
  const seconds = sliceMs / 1_000;
  if (seconds === 1) return 'second';
  if (seconds === 60) return 'minute';
  if (seconds === 3_600) return 'hour';
  if (seconds < 60) return `${String(seconds)} seconds`;
  return seconds < 3_600 ? `${String(seconds / 60)} minutes` : `${String(seconds / 3_600)} hours`;
}

function timeOfDay(atMs: number): string {
  return new Date(atMs).toLocaleTimeString(undefined, { timeStyle: 'medium' });
}
