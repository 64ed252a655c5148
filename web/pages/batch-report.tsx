import { useEffect, useState } from 'preact/hooks';
import { batchApi } from '../api/paths.ts';
import type { BatchDetail } from '../api/replies.ts';
import { request } from '../api/request.ts';
import { Icon } from '../components/icon.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { Markdown } from '../components/markdown.tsx';
import { isOpen } from '../state/batch-state.ts';

/** The report of a batch that is over, and its results to take away. */
export function BatchReportPart({ detail }: { detail: BatchDetail }) {
  const { batch_id: batchId } = detail;
  const [report, setReport] = useState<{ text: string | null; error: unknown }>({ text: null, error: null });
  const open = isOpen(detail);
  useEffect(() => {
    if (open) return;
    const left = new AbortController();
    request(batchApi(batchId, '/report'), { headers: { accept: 'text/markdown' }, signal: left.signal })
      .then(async (response) => setReport({ text: await response.text(), error: null }))
      .catch((error: unknown) => {
        if (!left.signal.aborted) setReport({ text: null, error });
      });
    return () => {
      left.abort();
    };
  }, [batchId, open]);
  return (
    <div class="stack">
      <div class="row">
        <a class="button" href={batchApi(batchId, '/results?format=csv')} download={`${batchId}.csv`}>
          <Icon name="download" />
          Results, CSV
        </a>
        <a class="button" href={batchApi(batchId, '/results')} download={`${batchId}.jsonl`}>
          <Icon name="download" />
          Results, JSON lines
        </a>
        {!open && (
          <a class="button" href={batchApi(batchId, '/report')} download={`${batchId}.md`}>
            <Icon name="download" />
            Report, Markdown
          </a>
        )}
      </div>
      {open ? (
        <Empty icon="file" title="The report comes at the end">
          <p>It is written when the batch closes. Results can be taken at any time.</p>
        </Empty>
      ) : report.error !== null ? (
        <Failure error={report.error} />
      ) : report.text === null ? (
        <Loading />
      ) : (
        <article class="card prose">
          <Markdown text={report.text} />
        </article>
      )}
    </div>
  );
}
