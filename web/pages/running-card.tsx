import { itemWorkflowId } from '../../domain/ids.ts';
import { formatCount, formatDuration } from '../../domain/format.ts';
import type { BatchDetail } from '../api/replies.ts';
import { TemporalLink } from '../components/temporal-link.tsx';

const shownAtMost = 12;

/** What is being made now: item, model, and for how long. */
export function RunningCard({ detail, now }: { detail: BatchDetail; now: number }) {
  const { batch_id: batchId, running, running_items: items } = detail;
  if (running === 0) return null;
  const more = running - Math.min(items.length, shownAtMost);
  return (
    <section class="card">
      <div class="card-head">
        <h2>Running</h2>
        <span class="muted figure">{formatCount(running)}</span>
      </div>
      <ul class="running">
        {items.slice(0, shownAtMost).map((item) => (
          <li key={item.item_id}>
            <span class="running-name ellipsis" title={item.label}>
              {item.label}
            </span>
            <span class="muted small ellipsis">{item.model}</span>
            <span class="figure small running-time">
              {formatDuration(Math.max(0, now - Date.parse(item.started_at)) / 1_000)}
            </span>
            <TemporalLink workflowId={itemWorkflowId(batchId, item.item_id)} of={item.label} />
          </li>
        ))}
      </ul>
      {more > 0 && <p class="muted small">and {formatCount(more)} more</p>}
    </section>
  );
}
