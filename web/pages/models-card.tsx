import { formatCount, formatUsd } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import { usageByModel } from '../state/figures.ts';

/** What each model made, and for how much. */
export function ModelsCard({ rows }: { rows: readonly ResultRow[] }) {
  const usage = usageByModel(rows);
  if (usage.length === 0) return null;
  return (
    <section class="card">
      <h2>Models</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col" class="number">
              Items
            </th>
            <th scope="col" class="number">
              Calls
            </th>
            <th scope="col" class="number">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {usage.map(({ model, items, calls, costUsd }) => (
            <tr key={model}>
              <td class="wrap">{model}</td>
              <td class="number">{formatCount(items)}</td>
              <td class="number">{formatCount(calls)}</td>
              <td class="number">{formatUsd(costUsd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
