import { useMemo, useState } from 'preact/hooks';
import { formatDuration, formatUsd } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import { Icon } from '../components/icon.tsx';
import { FullMedia } from '../components/media.tsx';
import { PageHead } from '../components/page-head.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { artifactUrl } from '../state/artifacts.ts';
import { useLiveBatch } from '../state/live-batch.ts';
import { batchPath, place, setQuery } from '../state/router.ts';
import { useStore } from '../state/store.ts';

/** Pictures of a batch side by side; a look at one place looks at the same place of all. */
export function ComparePage({ batchId }: { batchId: string }) {
  const live = useLiveBatch(batchId);
  const { query } = useStore(place);
  const [zoom, setZoom] = useState(1);
  const wanted = query.get('items') ?? '';
  const rows = useMemo(() => {
    const byId = new Map(live.rows.map((row) => [row.request_id, row]));
    return wanted.split(',').flatMap((itemId) => byId.get(itemId) ?? []);
  }, [live.rows, wanted]);
  const drop = (itemId: string): void =>
    setQuery({
      items: rows
        .map((row) => row.request_id)
        .filter((other) => other !== itemId)
        .join(','),
    });
  return (
    <>
      <PageHead title="Compare" lead={<p class="wrap">{batchId}</p>}>
        <label class="row">
          Zoom
          <input
            type="range"
            min="1"
            max="6"
            step="0.5"
            value={zoom}
            onInput={(event) => setZoom(Number(event.currentTarget.value))}
          />
          <span class="figure zoom-figure">{zoom.toFixed(1)}×</span>
        </label>
        <a class="button" href={batchPath(batchId, 'gallery')}>
          <Icon name="left" />
          Gallery
        </a>
      </PageHead>
      {live.error !== null && <Failure error={live.error} />}
      {!live.loaded && live.error === null && <Loading />}
      {live.loaded && rows.length === 0 && (
        <Empty icon="compare" title="Nothing is selected">
          <p>Select items in the gallery to see them side by side.</p>
        </Empty>
      )}
      <Side rows={rows} batchId={batchId} zoom={zoom} onDrop={drop} />
    </>
  );
}

interface SideProps {
  rows: readonly ResultRow[];
  batchId: string;
  zoom: number;
  onDrop: (itemId: string) => void;
}

function Side({ rows, batchId, zoom, onDrop }: SideProps) {
  const [at, setAt] = useState({ x: 50, y: 50 });
  const look = (event: PointerEvent): void => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    setAt({
      x: ((event.clientX - box.left) / box.width) * 100,
      y: ((event.clientY - box.top) / box.height) * 100,
    });
  };
  return (
    <div class="compare">
      {rows.map((row) => {
        const { request_id: itemId, output_path: path } = row;
        return (
          <figure key={itemId} class="card compare-one">
            <div class="compare-picture" onPointerMove={look}>
              {path !== null && (
                <div
                  class="compare-zoom"
                  style={{ transform: `scale(${String(zoom)})`, transformOrigin: `${String(at.x)}% ${String(at.y)}%` }}
                >
                  <FullMedia batchId={batchId} path={path} alt={`Made for ${itemId}`} version={row.finished_at} />
                </div>
              )}
            </div>
            <figcaption>
              <p class="spread">
                <b class="ellipsis">{itemId}</b>
                <button
                  type="button"
                  class="button button-quiet button-icon"
                  aria-label={`Take ${itemId} away`}
                  onClick={() => onDrop(itemId)}
                >
                  <Icon name="cross" />
                </button>
              </p>
              <p class="muted small figure">
                {row.model} · seed {row.seed} · {formatDuration(row.processing_time_seconds)} ·{' '}
                {formatUsd(row.cost_usd)}
              </p>
              {path !== null && (
                <a class="small" href={artifactUrl(batchId, path)} download={path.split('/').at(-1)}>
                  Download
                </a>
              )}
            </figcaption>
          </figure>
        );
      })}
    </div>
  );
}
