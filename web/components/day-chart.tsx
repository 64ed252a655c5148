import { formatUsd } from '../../domain/format.ts';
import type { CostRow } from '../api/replies.ts';

const width = 900;
const height = 160;

/** Money by day; what was only emulated is drawn in grey above what was paid. */
export function DayChart({ days, rows }: { days: readonly string[]; rows: readonly CostRow[] }) {
  const sums = days.map((day) => ({ day, live: sumOf(rows, day, 'live'), emulated: sumOf(rows, day, 'emulated') }));
  const most = sums.reduce((max, { live, emulated }) => Math.max(max, live + emulated), 0);
  const step = width / Math.max(1, days.length);
  const bar = Math.min(step * 0.72, 28);
  const scale = (cost: number): number => (most === 0 ? 0 : (cost / most) * (height - 4));
  const total = sums.reduce((sum, { live }) => sum + live, 0);
  return (
    <figure class="chart">
      <div class="chart-top muted small figure">
        <span>{formatUsd(most)}</span>
        <span>a day at most</span>
      </div>
      <svg
        viewBox={`0 0 ${String(width)} ${String(height)}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Spent by day: ${formatUsd(total)} in ${String(days.length)} days, ${formatUsd(most)} a day at most.`}
      >
        {[0, 0.5, 1].map((share) => {
          const y = height - share * (height - 4);
          return <line key={share} class="chart-line" x1="0" x2={width} y1={y} y2={y} />;
        })}
        {sums.map(({ day, live, emulated }, place) => {
          const x = place * step + (step - bar) / 2;
          return (
            <g key={day}>
              <title>{`${day}: ${formatUsd(live)}${emulated > 0 ? `, emulated ${formatUsd(emulated)}` : ''}`}</title>
              <rect class="chart-accent" x={x} y={height - scale(live)} width={bar} height={scale(live)} />
              <rect
                class="chart-idle"
                x={x}
                y={height - scale(live) - scale(emulated)}
                width={bar}
                height={scale(emulated)}
              />
            </g>
          );
        })}
      </svg>
      <figcaption class="chart-top muted small figure">
        <span>{days[0]}</span>
        <span>{days.at(-1)}</span>
      </figcaption>
    </figure>
  );
}

function sumOf(rows: readonly CostRow[], day: string, mode: CostRow['mode']): number {
  return rows.filter((row) => row.key === day && row.mode === mode).reduce((sum, row) => sum + row.cost_usd, 0);
}
