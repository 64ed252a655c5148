import { formatCount, formatDuration, formatPercent, formatUsd } from '../../domain/format.ts';
import type { BatchDetail } from '../api/replies.ts';
import { Icon } from '../components/icon.tsx';
import { doneOf, ProgressBar } from '../components/progress-bar.tsx';
import { Loading } from '../components/state-notes.tsx';
import { ThroughputChart } from '../components/throughput-chart.tsx';
import { exactTime } from '../components/time-ago.tsx';
import { isOpen } from '../state/batch-state.ts';
import { ratePerMinute } from '../state/figures.ts';
import type { LiveBatch } from '../state/live-batch.ts';
import { useNow } from '../state/use-now.ts';
import { FailureWindowCard } from './failure-window-card.tsx';
import { ModelsCard } from './models-card.tsx';
import { RunningCard } from './running-card.tsx';

/** How a batch stands: progress, pace, money, what is being made now. */
export function BatchOverview({ live, detail }: { live: LiveBatch; detail: BatchDetail }) {
  const running = detail.status === 'running';
  const now = useNow(isOpen(detail));
  return (
    <div class="stack">
      <PauseBanner detail={detail} />
      <ProgressCard live={live} detail={detail} now={now} />
      <div class="columns">
        <div class="stack">
          <section class="card">
            <h2>Throughput</h2>
            {live.loaded ? <ThroughputChart rows={live.rows} nowMs={running ? now : null} /> : <Loading lines={2} />}
          </section>
          <RunningCard detail={detail} now={now} />
        </div>
        <div class="stack">
          {live.loaded && <FailureWindowCard detail={detail} rows={live.rows} />}
          <ModelsCard rows={live.rows} />
          <NoticesCard detail={detail} />
          <FactsCard detail={detail} />
        </div>
      </div>
    </div>
  );
}

function PauseBanner({ detail: { pause } }: { detail: BatchDetail }) {
  if (pause === null) return null;
  return (
    <div class="banner banner-warn" role="status">
      <Icon name="pause" />
      <div>
        <strong>{pause.reason}</strong>
        <p>{pause.action}</p>
      </div>
    </div>
  );
}

function ProgressCard({ live, detail, now }: { live: LiveBatch; detail: BatchDetail; now: number }) {
  const done = doneOf(detail);
  const left = detail.running + detail.pending;
  const running = detail.status === 'running';
  const startedAtMs = detail.started_at === null ? now : Date.parse(detail.started_at);
  const seconds = isOpen(detail) ? Math.max(0, (now - startedAtMs) / 1_000) : detail.duration_seconds;
  const finished = detail.succeeded + detail.failed;
  const mean = seconds > 0 ? (finished * 60) / seconds : 0;
  const rate = running ? ratePerMinute(live.rows, startedAtMs, now) : mean;
  const eta = running && rate > 0 && left > 0 ? formatDuration((left * 60) / rate) : '–';
  return (
    <section class="card" aria-label="Progress">
      <div class="progress-head figure">
        <span class="progress-share">{formatPercent(detail.total === 0 ? 1 : done / detail.total)}</span>
        <span>
          {formatCount(done)} of {formatCount(detail.total)}
        </span>
      </div>
      <ProgressBar counts={detail} large />
      <ul class="legend figure">
        <Legend look="good" label="succeeded" count={detail.succeeded} />
        {detail.skipped > 0 && <Legend look="good" label="done before" count={detail.skipped} />}
        <Legend look="bad" label="failed" count={detail.failed} />
        {detail.cancelled > 0 && <Legend look="idle" label="cancelled" count={detail.cancelled} />}
        <Legend look="live" label="running" count={detail.running} />
        <Legend look="none" label="pending" count={detail.pending} />
        {detail.rejected > 0 && <Legend look="none" label="rows rejected" count={detail.rejected} />}
      </ul>
      <dl class="stats">
        <Stat label="Items a minute" value={rate > 0 ? rate.toFixed(1) : '–'} />
        <Stat label={running ? 'Time left' : 'Seconds per item'} value={running ? eta : secondsPerItem(live)} />
        <Stat label={running ? 'Elapsed' : 'Took'} value={formatDuration(seconds)} />
        <BudgetStat detail={detail} />
      </dl>
    </section>
  );
}

function secondsPerItem({ rows }: LiveBatch): string {
  const timed = rows.filter(({ status }) => status !== 'cancelled');
  if (timed.length === 0) return '–';
  return (timed.reduce((sum, row) => sum + row.processing_time_seconds, 0) / timed.length).toFixed(1);
}

function Legend({ look, label, count }: { look: string; label: string; count: number }) {
  return (
    <li>
      <span class={`dot bar-${look}`} />
      <b>{formatCount(count)}</b> {label}
    </li>
  );
}

function Stat({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd class="figure">{value}</dd>
    </div>
  );
}

/** Money spent, against the budget where there is one. */
function BudgetStat({ detail }: { detail: BatchDetail }) {
  const { budget_usd: budgetUsd } = detail.limits;
  const share = budgetUsd === null || budgetUsd === 0 ? 0 : Math.min(1, detail.cost_usd / budgetUsd);
  return (
    <div>
      <dt>{budgetUsd === null ? 'Cost' : `Cost of ${formatUsd(budgetUsd)} budget`}</dt>
      <dd class="figure">
        {formatUsd(detail.cost_usd)}
        {budgetUsd !== null && (
          <span class="bar budget-bar">
            <span class={share > 0.9 ? 'bar-warn' : 'bar-accent'} style={{ width: `${String(share * 100)}%` }} />
          </span>
        )}
      </dd>
    </div>
  );
}

function NoticesCard({ detail }: { detail: BatchDetail }) {
  if (detail.notices.length === 0) return null;
  return (
    <section class="card">
      <h2>Notices</h2>
      <ul class="stack-small">
        {detail.notices.toReversed().map(({ at, level, message }) => (
          <li key={`${at} ${message}`} class={`notice notice-${level}`}>
            <time class="muted small figure" dateTime={at}>
              {exactTime(at)}
            </time>
            <p class="wrap">{message}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function FactsCard({ detail }: { detail: BatchDetail }) {
  const { limits } = detail;
  const facts: [string, string][] = [
    ['Input', detail.source],
    ['Output', detail.output],
    ['Priority', detail.priority],
    ['Submitted', detail.created_at === null ? '–' : exactTime(detail.created_at)],
    ['Items at once', String(limits.concurrency)],
    ['Requests a minute', limits.rate_limit === null ? 'the models’ own limits' : String(limits.rate_limit)],
  ];
  return (
    <section class="card">
      <h2>About</h2>
      <dl class="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class="wrap">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
