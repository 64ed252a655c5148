import { formatCount, formatDuration, formatUsd } from '../../domain/format.ts';
import type { Plan } from '../api/replies.ts';
import { Icon } from '../components/icon.tsx';

/** What a file would come to: items, models, time, money, and the rows that are no items. */
export function PlanPreview({ plan }: { plan: Plan }) {
  const { total, rejected, estimate_usd: cost, least_usd: least, most_usd: most, estimate_seconds: seconds } = plan;
  return (
    <>
      <section class="card" aria-label="Plan" role="status">
        <h2>What would run</h2>
        <dl class="stats stats-first">
          <div>
            <dt>Items</dt>
            <dd class="figure">{formatCount(total)}</dd>
          </div>
          <div>
            <dt>Rows rejected</dt>
            <dd class={rejected > 0 ? 'figure bad' : 'figure'}>{formatCount(rejected)}</dd>
          </div>
          <div>
            <dt>Cost, estimated</dt>
            <dd class="figure">{formatUsd(cost)}</dd>
            {most - least > 0.000_05 && <dd class="muted small">{`${formatUsd(least)} to ${formatUsd(most)}`}</dd>}
          </div>
          <div>
            <dt>Takes about</dt>
            <dd class="figure">{formatDuration(seconds)}</dd>
          </div>
        </dl>
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col" class="number">
                Items
              </th>
              <th scope="col" class="number">
                Estimate
              </th>
            </tr>
          </thead>
          <tbody>
            {Object.entries(plan.models).map(([model, share]) => (
              <tr key={model}>
                <td class="wrap">{model}</td>
                <td class="number">{formatCount(share.items)}</td>
                <td class="number">{formatUsd(share.estimate_usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rejected > 0 && <RejectedRows plan={plan} />}
    </>
  );
}

function RejectedRows({ plan }: { plan: Plan }) {
  const { rejected, rejected_rows: rows } = plan;
  return (
    <section class="card">
      <h2 class="row">
        <Icon name="warning" />
        Rows that are left out
      </h2>
      <div class="table-box" tabIndex={0} role="region" aria-label="Rows that are left out">
        <table>
          <thead>
            <tr>
              <th scope="col" class="number">
                Row
              </th>
              <th scope="col">What is wrong</th>
              <th scope="col">The row</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.row}>
                <td class="number">{row.row}</td>
                <td class="wrap">{row.message}</td>
                <td>
                  <code class="raw-row">{row.raw}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rejected > rows.length && <p class="muted small">and {formatCount(rejected - rows.length)} more</p>}
    </section>
  );
}
