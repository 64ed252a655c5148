import { itemWorkflowId } from '../../domain/ids.ts';
import { errorCatalog, isErrorCode } from '../../domain/errors.ts';
import { formatCount, formatPercent } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import type { BatchDetail } from '../api/replies.ts';
import { Icon } from '../components/icon.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { Empty, Loading } from '../components/state-notes.tsx';
import { TemporalLink } from '../components/temporal-link.tsx';
import { VirtualGrid } from '../components/virtual-grid.tsx';
import { failuresByCode } from '../state/figures.ts';
import type { LiveBatch } from '../state/live-batch.ts';
import { place, setQuery } from '../state/router.ts';
import { useStore } from '../state/store.ts';
import { redrive } from './batch-actions.tsx';

/** What failed, by the way it failed, and what to do about each. */
export function BatchFailed({ live, detail }: { live: LiveBatch; detail: BatchDetail }) {
  const { query } = useStore(place);
  const groups = failuresByCode(live.rows);
  const total = groups.reduce((sum, { rows }) => sum + rows.length, 0);
  const chosen = query.get('code');
  const rows = (chosen === null ? groups : groups.filter(({ code }) => code === chosen)).flatMap((group) => group.rows);
  if (!live.loaded && total === 0) return <Loading />;
  if (total === 0) {
    return (
      <Empty icon="check" title="Nothing failed">
        <p>Items that fail for good are listed here, by error.</p>
      </Empty>
    );
  }
  return (
    <div class="stack">
      <ul class="codes">
        {groups.map(({ code, rows: failed }) => (
          <li key={code} class={code === chosen ? 'card code code-chosen' : 'card code'}>
            <div class="spread">
              <h2>
                <code class="wrap">{code}</code>
              </h2>
              <span class="figure">
                <b>{formatCount(failed.length)}</b> <span class="muted">{formatPercent(failed.length / total)}</span>
              </span>
            </div>
            <p class="muted small">{isErrorCode(code) ? errorCatalog[code].action : ''}</p>
            <div class="row">
              <OnlyFor role="run">
                <button
                  type="button"
                  class="button button-small"
                  onClick={() => void redrive(detail.batch_id, { codes: [code] })}
                >
                  <Icon name="redrive" />
                  Redrive {formatCount(failed.length)}
                </button>
              </OnlyFor>
              <button
                type="button"
                class="button button-small button-quiet"
                aria-pressed={code === chosen}
                onClick={() => setQuery({ code: code === chosen ? null : code })}
              >
                {code === chosen ? 'Show all' : 'Show only these'}
              </button>
            </div>
          </li>
        ))}
      </ul>
      <VirtualGrid
        count={rows.length}
        label="Failed items"
        minColumnPx={Infinity}
        rowPx={84}
        gapPx={8}
        keyOf={(index) => rows[index]?.request_id ?? ''}
        render={(index) => {
          const row = rows[index];
          return row === undefined ? null : <FailedRow row={row} batchId={detail.batch_id} />;
        }}
      />
    </div>
  );
}

function FailedRow({ row, batchId }: { row: ResultRow; batchId: string }) {
  const { request_id: itemId, error_code: code, error_message: message, model, calls } = row;
  return (
    <div class="failed-row">
      <div>
        <p class="ellipsis">
          <b>{itemId}</b> <span class="badge badge-plain badge-bad">{code}</span>{' '}
          <span class="muted small">
            {model} · {calls === 1 ? '1 call' : `${formatCount(calls)} calls`}
          </span>
        </p>
        <p class="muted failed-message" title={message ?? ''}>
          {message}
        </p>
      </div>
      <TemporalLink workflowId={itemWorkflowId(batchId, itemId)} of={itemId} />
      <OnlyFor role="run">
        <button
          type="button"
          class="button button-small"
          aria-label={`Redrive ${itemId}`}
          onClick={() => void redrive(batchId, { item_ids: [itemId] })}
        >
          <Icon name="redrive" />
        </button>
      </OnlyFor>
    </div>
  );
}
