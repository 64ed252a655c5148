import { formatCount, formatUsd } from '../../domain/format.ts';
import type { CostRow, Costs } from '../api/replies.ts';
import { DayChart } from '../components/day-chart.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Segments } from '../components/segments.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { lastDays } from '../state/days.ts';
import { batchPath, place, setQuery } from '../state/router.ts';
import { useStore } from '../state/store.ts';
import { useResource } from '../state/use-resource.ts';

const groups = [
  { value: 'model', label: 'Models' },
  { value: 'project', label: 'Projects' },
  { value: 'batch', label: 'Batches' },
  { value: 'day', label: 'Days' },
] as const;

const spans = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
] as const;

/** What was spent, by day, model, project and batch. */
export function CostsPage() {
  const { query } = useStore(place);
  const span = spans.find(({ value }) => value === query.get('span'))?.value ?? '30';
  const by = groups.find(({ value }) => value === query.get('by'))?.value ?? 'model';
  const days = lastDays(Number(span), Date.now());
  const since = days[0] ?? '';
  const byDay = useResource<Costs>(`/api/costs?by=day&since=${since}`, { everyMs: 10_000 });
  const grouped = useResource<Costs>(`/api/costs?by=${by}&since=${since}`, { everyMs: 10_000 });
  const error = byDay.error ?? grouped.error;
  const costs = byDay.data;
  return (
    <>
      <PageHead title="Costs" lead={<p>What calls cost by the providers’ own usage numbers. Days are days of UTC.</p>}>
        <Segments label="Time" value={span} options={spans} onChange={(value) => setQuery({ span: value })} />
      </PageHead>
      {error !== null && <Failure error={error} />}
      {costs === null && error === null && <Loading />}
      {costs !== null && costs.rows.length === 0 && (
        <Empty icon="costs" title="Nothing was spent in this time">
          <p>Calls are listed here as soon as they are made.</p>
        </Empty>
      )}
      {costs !== null && costs.rows.length > 0 && (
        <div class="stack">
          <Totals costs={costs} />
          <section class="card">
            <h2>By day</h2>
            <DayChart days={days} rows={costs.rows} />
          </section>
          <section class="card">
            <div class="card-head">
              <h2>Where it went</h2>
              <Segments label="By" value={by} options={groups} onChange={(value) => setQuery({ by: value })} />
            </div>
            <CostTable rows={grouped.data?.rows ?? []} by={by} />
          </section>
        </div>
      )}
    </>
  );
}

function Totals({ costs: { total, emulated, reserved_usd: reserved } }: { costs: Costs }) {
  const figures: [string, string][] = [
    ['Spent', formatUsd(total.cost_usd)],
    ['Reserved for calls under way', formatUsd(reserved)],
    ['Calls', formatCount(total.calls + emulated.calls)],
    ['Tokens', formatCount(total.input_tokens + total.output_tokens + emulated.input_tokens + emulated.output_tokens)],
    ['Emulated, not charged', formatUsd(emulated.cost_usd)],
  ];
  return (
    <section class="card" aria-label="Totals">
      <dl class="stats stats-only">
        {figures.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class="figure">{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function CostTable({ rows, by }: { rows: readonly CostRow[]; by: string }) {
  const dearest = rows.reduce((most, { cost_usd: cost }) => Math.max(most, cost), 0);
  const sorted = by === 'day' ? rows.toReversed() : rows.toSorted((a, b) => b.cost_usd - a.cost_usd);
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label="Where it went">
      <table>
        <thead>
          <tr>
            <th scope="col">{groups.find(({ value }) => value === by)?.label}</th>
            <th scope="col" class="number">
              Calls
            </th>
            <th scope="col" class="number">
              Tokens
            </th>
            <th scope="col" class="number">
              Images
            </th>
            <th scope="col" class="number">
              Cost
            </th>
            <th scope="col" class="share">
              <span class="visually-hidden">Share</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={`${row.key} ${row.mode}`}>
              <td class="wrap">
                {by === 'batch' ? <a href={batchPath(row.key)}>{row.key}</a> : row.key}
                {row.mode === 'emulated' && <span class="muted small"> emulated</span>}
              </td>
              <td class="number">{formatCount(row.calls)}</td>
              <td class="number">{formatCount(row.input_tokens + row.output_tokens)}</td>
              <td class="number">{formatCount(row.images)}</td>
              <td class="number">{formatUsd(row.cost_usd)}</td>
              <td class="share">
                <span class="bar">
                  <span
                    class={row.mode === 'emulated' ? 'bar-idle' : 'bar-accent'}
                    style={{ width: `${String(dearest === 0 ? 0 : (row.cost_usd / dearest) * 100)}%` }}
                  />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
