import { formatCount, formatDuration, formatPercent, formatUsd } from '../../domain/format.ts';
import { batchApi } from '../api/paths.ts';
import type { BatchDetail, BatchEntry, BatchList } from '../api/replies.ts';
import { Icon } from '../components/icon.tsx';
import { OnlyFor } from '../components/only-for.tsx';
import { PageHead } from '../components/page-head.tsx';
import { doneOf, ProgressBar } from '../components/progress-bar.tsx';
import { SearchBox } from '../components/search-box.tsx';
import { Segments } from '../components/segments.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { TimeAgo } from '../components/time-ago.tsx';
import { VirtualGrid } from '../components/virtual-grid.tsx';
import { isOpen } from '../state/batch-state.ts';
import { batchPath, place, setQuery } from '../state/router.ts';
import { useStore } from '../state/store.ts';
import { useNow } from '../state/use-now.ts';
import { useResource } from '../state/use-resource.ts';

const filters = [
  { value: 'all', label: 'All' },
  { value: 'open', label: 'Open' },
  { value: 'succeeded', label: 'Succeeded' },
  { value: 'failed', label: 'Failed' },
] as const;
type Filter = (typeof filters)[number]['value'];

/** All batches with how far they are, the open ones first. */
export function BatchesPage() {
  const { query } = useStore(place);
  const { data, error } = useResource<BatchList>('/api/batches?limit=200', { everyMs: 2_000 });
  const batches = data?.data ?? [];
  const now = useNow(batches.some(isOpen));
  const filter = filters.find(({ value }) => value === query.get('show'))?.value ?? 'all';
  const text = query.get('q') ?? '';
  const shown = batches.filter((batch) => fits(batch, filter, text.toLowerCase()));
  return (
    <>
      <PageHead title="Batches" lead={<Summary batches={batches} />}>
        <OnlyFor role="run">
          <a class="button button-primary" href="/new">
            <Icon name="plus" />
            New batch
          </a>
        </OnlyFor>
      </PageHead>
      {error !== null && <Failure error={error} />}
      {data === null && error === null && <Loading />}
      {data !== null && batches.length === 0 && (
        <Empty icon="batches" title="No batches yet">
          <OnlyFor role="run">
            <p>Drop a CSV of prompts, or run one from the command line:</p>
            <code>sluice batch run examples/prompts.csv -o out</code>
            <a class="button button-primary" href="/new">
              New batch
            </a>
          </OnlyFor>
        </Empty>
      )}
      {batches.length > 0 && (
        <>
          <div class="filters">
            <SearchBox label="Search batches" value={text} onInput={(value) => setQuery({ q: value })} />
            <Segments
              label="State"
              value={filter}
              options={filters}
              onChange={(value) => setQuery({ show: value === 'all' ? null : value })}
            />
          </div>
          {shown.length === 0 && <Empty icon="batches" title="No batch fits" />}
          <VirtualGrid
            count={shown.length}
            label="Batches"
            minColumnPx={Infinity}
            rowPx={112}
            gapPx={10}
            keyOf={(index) => shown[index]?.batch_id ?? ''}
            render={(index) => {
              const batch = shown[index];
              return batch === undefined ? null : <BatchCard batch={batch} now={now} />;
            }}
          />
        </>
      )}
    </>
  );
}

function fits(batch: BatchEntry, filter: Filter, text: string): boolean {
  const inState = filter === 'all' || (filter === 'open' ? isOpen(batch) : batch.status === filter);
  return inState && [batch.batch_id, batch.flow, batch.project, batch.output].join('\n').toLowerCase().includes(text);
}

function Summary({ batches }: { batches: readonly BatchEntry[] }) {
  const running = batches.filter(({ status }) => status === 'running').length;
  const paused = batches.filter(({ status }) => status === 'paused').length;
  return (
    <p class="figure">
      {running === 0 ? 'Nothing is running' : `${String(running)} running`}
      {paused > 0 && `, ${String(paused)} paused`}
    </p>
  );
}

/** A batch in the list. What is said of it beyond its line is asked for once it is seen. */
function BatchCard({ batch, now }: { batch: BatchEntry; now: number }) {
  const { data } = useResource<BatchDetail>(batchApi(batch.batch_id), isOpen(batch) ? { everyMs: 2_000 } : {});
  return (
    <a class="batch-card" href={batchPath(batch.batch_id)}>
      <span class="batch-card-top">
        <span class="batch-card-name ellipsis">{batch.batch_id}</span>
        <StatusBadge status={batch.status} />
      </span>
      {data === null ? <span class="bar" /> : <ProgressBar counts={data} />}
      <span class="batch-card-figures figure">
        {data === null ? <span>{formatCount(batch.total)} items</span> : <Share detail={data} />}
        <span class="ellipsis muted">{data?.pause?.reason ?? `${batch.flow} · ${batch.project}`}</span>
        <span class="muted batch-card-end">
          {data !== null && <Cost detail={data} />}
          {isOpen(batch) ? (
            formatDuration((now - Date.parse(batch.started_at)) / 1_000)
          ) : (
            <TimeAgo at={batch.closed_at ?? batch.started_at} now={now} />
          )}
        </span>
      </span>
    </a>
  );
}

function Share({ detail }: { detail: BatchDetail }) {
  const done = doneOf(detail);
  return (
    <span>
      <b>{formatPercent(detail.total === 0 ? 1 : done / detail.total)}</b> {formatCount(done)} of{' '}
      {formatCount(detail.total)}
      {detail.failed > 0 && <span class="bad"> · {formatCount(detail.failed)} failed</span>}
    </span>
  );
}

function Cost({ detail }: { detail: BatchDetail }) {
  return (
    <>
      {formatUsd(detail.cost_usd)}
      {detail.mode === 'emulated' && ' emulated'} ·{' '}
    </>
  );
}
