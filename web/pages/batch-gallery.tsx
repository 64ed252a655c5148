import { useMemo, useState } from 'preact/hooks';
import { formatCount } from '../../domain/format.ts';
import type { ResultRow } from '../../domain/result.ts';
import type { BatchDetail } from '../api/replies.ts';
import { Icon } from '../components/icon.tsx';
import { Thumbnail } from '../components/media.tsx';
import { OpenQuestions } from '../components/open-questions.tsx';
import { SearchBox } from '../components/search-box.tsx';
import { Segments } from '../components/segments.tsx';
import { Empty, Loading } from '../components/state-notes.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { VirtualGrid } from '../components/virtual-grid.tsx';
import { galleryFilters, selectRows, type GalleryFilter } from '../state/gallery.ts';
import type { LiveBatch } from '../state/live-batch.ts';
import { usePromptSearch } from '../state/prompt-search.ts';
import { standingOf, standings, useReviews, type Standing } from '../state/reviews.ts';
import { batchPath, place, setQuery } from '../state/router.ts';
import { useShortcuts } from '../state/shortcuts.ts';
import { useStore } from '../state/store.ts';
import { Viewer } from './viewer.tsx';

/** Most pictures that fit side by side. */
const maxCompared = 6;
const captionPx = 58;

/** Everything the batch made, as pictures: look closer, compare, narrow down. */
export function BatchGallery({ live, detail }: { live: LiveBatch; detail: BatchDetail }) {
  const { batch_id: batchId } = detail;
  const { query } = useStore(place);
  const [picked, setPicked] = useState<readonly string[]>([]);
  const filter: GalleryFilter = galleryFilters.find(({ value }) => value === query.get('show'))?.value ?? 'succeeded';
  const model = query.get('model') ?? '';
  const text = query.get('q') ?? '';
  const byPrompt = usePromptSearch(batchId, text);
  const reviews = useReviews(batchId);
  const standing = standings.find(({ value }) => value === query.get('review'))?.value;
  const rows = useMemo(
    () =>
      selectRows(live.rows, { filter, model, text, byPrompt }).filter(
        (row) => standing === undefined || standingOf(row, reviews) === standing,
      ),
    [live.rows, filter, model, text, byPrompt, reviews, standing],
  );
  const models = useMemo(() => [...new Set(live.rows.map((row) => row.model))].sort(), [live.rows]);
  const openIndex = rows.findIndex((row) => row.request_id === query.get('item'));
  const comparePath = `${batchPath(batchId, 'compare')}?items=${picked.map(encodeURIComponent).join(',')}`;
  const pick = (itemId: string): void => {
    const without = picked.filter((other) => other !== itemId);
    setPicked(without.length < picked.length ? without : [...picked, itemId].slice(-maxCompared));
  };
  useShortcuts('Gallery', [{ keys: 'x', label: 'Clear the selection', run: () => setPicked([]) }]);
  if (!live.loaded && live.rows.length === 0) return <Loading />;
  return (
    <>
      {detail.waiting > 0 && <OpenQuestions batchId={batchId} />}
      <div class="filters">
        <SearchBox label="Search items and prompts" value={text} onInput={(value) => setQuery({ q: value })} />
        <Segments
          label="Result"
          value={filter}
          options={galleryFilters}
          onChange={(value) => setQuery({ show: value === 'succeeded' ? null : value })}
        />
        {models.length > 1 && (
          <select
            class="input"
            aria-label="Model"
            value={model}
            onChange={(event) => setQuery({ model: event.currentTarget.value })}
          >
            <option value="">All models</option>
            {models.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        {reviews.size > 0 && (
          <select
            class="input"
            aria-label="Review"
            value={standing ?? ''}
            onChange={(event) => setQuery({ review: event.currentTarget.value })}
          >
            <option value="">Any review</option>
            {standings.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
        <span class="muted small figure" role="status">
          {rows.length === 1 ? '1 item' : `${formatCount(rows.length)} items`}
        </span>
      </div>
      {rows.length === 0 && (
        <Empty icon="image" title={live.rows.length === 0 ? 'Nothing has been made yet' : 'No item fits'} />
      )}
      <VirtualGrid
        count={rows.length}
        label="Items"
        minColumnPx={170}
        rowPx={tileHeight}
        gapPx={14}
        keyOf={(index) => rows[index]?.request_id ?? ''}
        render={(index) => {
          const row = rows[index];
          if (row === undefined) return null;
          return (
            <Tile
              row={row}
              batchId={batchId}
              picked={picked.includes(row.request_id)}
              standing={standingOf(row, reviews)}
              onOpen={() => setQuery({ item: row.request_id })}
              onPick={() => pick(row.request_id)}
            />
          );
        }}
      />
      {picked.length > 0 && (
        <div class="pick-bar" role="region" aria-label="Selection">
          <span class="figure">{picked.length === 1 ? '1 selected' : `${String(picked.length)} selected`}</span>
          <button type="button" class="button button-small button-quiet" onClick={() => setPicked([])}>
            Clear
          </button>
          {picked.length > 1 && (
            <a class="button button-small button-primary" href={comparePath}>
              <Icon name="compare" />
              Compare
            </a>
          )}
        </div>
      )}
      {openIndex >= 0 && (
        <Viewer
          rows={rows}
          index={openIndex}
          batchId={batchId}
          reviews={reviews}
          onMove={(index) => setQuery({ item: rows[index]?.request_id ?? null })}
          onClose={() => setQuery({ item: null })}
        />
      )}
    </>
  );
}

/** A square picture, a caption, and the gap below. */
function tileHeight(columnPx: number): number {
  return columnPx + captionPx + 14;
}

interface TileProps {
  row: ResultRow;
  batchId: string;
  picked: boolean;
  standing: Standing;
  onOpen: () => void;
  onPick: () => void;
}

function Tile({ row, batchId, picked, standing, onOpen, onPick }: TileProps) {
  const { request_id: itemId, output_path: path, status } = row;
  return (
    <div class={picked ? 'tile tile-picked' : 'tile'}>
      <button
        type="button"
        class="tile-picture"
        aria-label={standing === 'open' ? `Open ${itemId}` : `Open ${itemId}, ${standing}`}
        onClick={onOpen}
      >
        {path === null ? (
          <span class="thumb-file">
            <StatusBadge status={status} />
            <code class="small wrap">{row.error_code}</code>
          </span>
        ) : (
          <Thumbnail batchId={batchId} path={path} alt="" version={row.finished_at} />
        )}
        <Mark standing={standing} />
      </button>
      <div class="tile-caption">
        <div>
          <p class="ellipsis" title={itemId}>
            {itemId}
          </p>
          <p class="muted small ellipsis">{row.model}</p>
        </div>
        {path !== null && (
          <label class="check tile-pick" title="Select to compare">
            <input type="checkbox" checked={picked} aria-label={`Select ${itemId}`} onChange={onPick} />
          </label>
        )}
      </div>
    </div>
  );
}

/** What a person said of it, on the picture. */
function Mark({ standing }: { standing: Standing }) {
  if (standing === 'open') return null;
  const approved = standing === 'approved';
  return (
    <span class={`tile-mark badge badge-plain ${approved ? 'badge-good' : 'badge-warn'}`}>
      <Icon name={approved ? 'check' : 'redrive'} />
      {approved ? 'Approved' : 'Rejected'}
    </span>
  );
}
