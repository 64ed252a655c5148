import type { ComponentChild } from 'preact';
import { formatCount } from '../../domain/format.ts';
import { ApiError } from '../api/request.ts';
import { PageHead } from '../components/page-head.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { StatusBadge } from '../components/status-badge.tsx';
import { TemporalLink } from '../components/temporal-link.tsx';
import { useLiveBatch, type LiveBatch } from '../state/live-batch.ts';
import { batchPath } from '../state/router.ts';
import { BatchActions } from './batch-actions.tsx';
import { BatchFailed } from './batch-failed.tsx';
import { BatchGallery } from './batch-gallery.tsx';
import { BatchOverview } from './batch-overview.tsx';
import { BatchReportPart } from './batch-report.tsx';

export type BatchPart = 'overview' | 'gallery' | 'failed' | 'report';

/** One batch: its state, its pictures, what failed, and its report, each at an address of its own. */
export function BatchPage({ batchId, part }: { batchId: string; part: BatchPart }) {
  const live = useLiveBatch(batchId);
  const { detail, error } = live;
  if (error instanceof ApiError && error.status === 404) {
    return (
      <>
        <PageHead title="Batch not found" />
        <Empty icon="batches" title={`There is no batch ${batchId}`}>
          <a class="button" href="/">
            To the batches
          </a>
        </Empty>
      </>
    );
  }
  return (
    <>
      <PageHead
        title={batchId}
        lead={
          detail === null ? undefined : (
            <span class="row">
              <StatusBadge status={detail.status} />
              <span class="muted">
                {detail.flow} · {detail.project}
                {detail.mode === 'emulated' && ' · emulated, nothing is charged'}
              </span>
              <TemporalLink workflowId={batchId} />
            </span>
          )
        }
      >
        {detail !== null && <BatchActions detail={detail} />}
      </PageHead>
      {error !== null && <Failure error={error} />}
      {detail === null ? error === null && <Loading /> : <Parts live={live} batchId={batchId} part={part} />}
    </>
  );
}

function Parts({ live, batchId, part }: { live: LiveBatch; batchId: string; part: BatchPart }) {
  const { detail, rows } = live;
  if (detail === null) return null;
  const made = rows.filter(({ status }) => status === 'succeeded').length;
  const tabs: readonly { part: BatchPart; label: string; count?: number; path: string }[] = [
    { part: 'overview', label: 'Overview', path: batchPath(batchId) },
    {
      part: 'gallery',
      label: 'Gallery',
      count: live.loaded ? made : detail.succeeded,
      path: batchPath(batchId, 'gallery'),
    },
    { part: 'failed', label: 'Failed', count: detail.failed, path: batchPath(batchId, 'failed') },
    { part: 'report', label: 'Report', path: batchPath(batchId, 'report') },
  ];
  const content: Record<BatchPart, () => ComponentChild> = {
    overview: () => <BatchOverview live={live} detail={detail} />,
    gallery: () => <BatchGallery live={live} detail={detail} />,
    failed: () => <BatchFailed live={live} detail={detail} />,
    report: () => <BatchReportPart detail={detail} />,
  };
  return (
    <>
      <nav class="tabs" aria-label="Parts of the batch">
        {tabs.map((tab) => (
          <a key={tab.part} href={tab.path} aria-current={tab.part === part ? 'page' : undefined}>
            {tab.label}
            {tab.count !== undefined && <span class="figure">{formatCount(tab.count)}</span>}
          </a>
        ))}
      </nav>
      {content[part]()}
    </>
  );
}
