import { useState } from 'preact/hooks';
import { formatDuration, formatUsd } from '../../domain/format.ts';
import { itemWorkflowId } from '../../domain/ids.ts';
import type { ResultRow } from '../../domain/result.ts';
import type { Sidecar } from '../../domain/sidecar.ts';
import { Dialog } from '../components/dialog.tsx';
import { Icon } from '../components/icon.tsx';
import { FullMedia } from '../components/media.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { ReviewForm } from '../components/review-form.tsx';
import { TemporalLink } from '../components/temporal-link.tsx';
import { exactTime } from '../components/time-ago.tsx';
import { artifactUrl, mediaKind, sidecarUrl } from '../state/artifacts.ts';
import { standingOf, type Reviews } from '../state/reviews.ts';
import { dialogShortcuts, useShortcuts } from '../state/shortcuts.ts';
import { useResource } from '../state/use-resource.ts';

interface ViewerProps {
  rows: readonly ResultRow[];
  index: number;
  batchId: string;
  reviews: Reviews;
  onMove: (index: number) => void;
  onClose: () => void;
}

/** One item as large as the window, with how it was made; arrow keys go to the next. */
export function Viewer({ rows, index, batchId, reviews, onMove, onClose }: ViewerProps) {
  const [actual, setActual] = useState(false);
  const row = rows[index];
  const move = (step: number): void => {
    const next = index + step;
    if (next >= 0 && next < rows.length) onMove(next);
  };
  useShortcuts(dialogShortcuts, [
    { keys: 'ArrowLeft', label: 'The one before', run: () => move(-1) },
    { keys: 'ArrowRight', label: 'The next one', run: () => move(1) },
    { keys: 'z', label: 'Actual size, or as large as fits', run: () => setActual(!actual) },
  ]);
  if (row === undefined) return null;
  const { request_id: itemId, output_path: path } = row;
  return (
    <Dialog title={itemId} size="wide" onClose={onClose}>
      <div class="viewer">
        <div class={actual ? 'viewer-picture viewer-actual' : 'viewer-picture'} tabIndex={actual ? 0 : undefined}>
          {path === null ? (
            <p class="muted">There is no picture.</p>
          ) : (
            <FullMedia key={path} batchId={batchId} path={path} alt={`Made for ${itemId}`} version={row.finished_at} />
          )}
        </div>
        <div class="viewer-side">
          <div class="spread">
            <div class="row">
              <button
                type="button"
                class="button button-icon"
                aria-label="The one before"
                disabled={index === 0}
                onClick={() => move(-1)}
              >
                <Icon name="left" />
              </button>
              <button
                type="button"
                class="button button-icon"
                aria-label="The next one"
                disabled={index === rows.length - 1}
                onClick={() => move(1)}
              >
                <Icon name="right" />
              </button>
              <span class="muted small figure">
                {index + 1} of {rows.length}
              </span>
            </div>
            {path !== null && mediaKind(path) === 'image' && (
              <button
                type="button"
                class="button button-small"
                aria-pressed={actual}
                onClick={() => setActual(!actual)}
              >
                Actual size
              </button>
            )}
          </div>
          <ItemFacts row={row} batchId={batchId} />
          {row.status === 'succeeded' && (
            <ItemReview key={itemId} row={row} batchId={batchId} reviews={reviews} onDone={() => move(1)} />
          )}
          <div class="spread">
            {path !== null && (
              <a class="button" href={artifactUrl(batchId, path)} download={path.split('/').at(-1)}>
                <Icon name="download" />
                Download
              </a>
            )}
            <TemporalLink workflowId={itemWorkflowId(batchId, itemId)} />
          </div>
        </div>
      </div>
    </Dialog>
  );
}

interface ItemReviewProps {
  row: ResultRow;
  batchId: string;
  reviews: Reviews;
  onDone: () => void;
}

/** What was said of it, and what one says oneself. */
function ItemReview({ row, batchId, reviews, onDone }: ItemReviewProps) {
  const standing = standingOf(row, reviews);
  const note = reviews.get(row.request_id)?.note ?? null;
  return (
    <section class="stack-small" aria-label="Review">
      {standing !== 'open' && (
        <p class={standing === 'approved' ? 'banner banner-info' : 'banner banner-warn'}>
          {standing === 'approved' ? 'Approved.' : 'Rejected: it is made again.'}
          {note !== null && ` “${note}”`}
        </p>
      )}
      <OnlyFor role="run">
        <ReviewForm row={row} batchId={batchId} onDone={onDone} />
      </OnlyFor>
    </section>
  );
}

/** How an item was made. */
function ItemFacts({ row, batchId }: { row: ResultRow; batchId: string }) {
  const { output_path: path } = row;
  const sidecar = useResource<Partial<Sidecar>>(path === null ? null : sidecarUrl(batchId, path));
  const facts: [string, string][] = [
    ['Model', row.model],
    ['Seed', String(row.seed)],
    ['Calls', String(row.calls)],
    ['Time', formatDuration(row.processing_time_seconds)],
    ['Cost', formatUsd(row.cost_usd)],
    ['Finished', exactTime(row.finished_at)],
  ];
  return (
    <div class="stack">
      {row.error_code !== null && (
        <div class="banner banner-bad">
          <div>
            <code>{row.error_code}</code>
            <p>{row.error_message}</p>
          </div>
        </div>
      )}
      {sidecar.data?.prompt !== undefined && sidecar.data.prompt !== '' && (
        <div>
          <h3>Prompt</h3>
          <p class="prompt">{sidecar.data.prompt}</p>
        </div>
      )}
      <dl class="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd class="wrap figure">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
