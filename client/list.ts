import type { Client, WorkflowExecutionInfo } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { searchAttributeNames } from '../domain/search-attributes.ts';
import { displayPath } from './batch-report.ts';
import { explain } from './errors.ts';

export const projectKey = defineSearchAttributeKey(searchAttributeNames.project, SearchAttributeType.KEYWORD);
const stateKey = defineSearchAttributeKey(searchAttributeNames.state, SearchAttributeType.KEYWORD);

/** A line of `batch list`. */
export interface BatchListEntry {
  batch_id: string;
  /** running, paused, succeeded, failed, cancelled or terminated */
  status: string;
  flow: string;
  project: string;
  total: number;
  output: string;
  /** ISO 8601, UTC. */
  started_at: string;
  closed_at: string | null;
}

export interface ListOptions {
  /** At most this many. @default all */
  limit?: number | undefined;
  /** Only those that have not closed. @default false */
  open?: boolean | undefined;
}

/** Batches of the engine: those that have not closed, then the latest to close; a batch that was run again is listed once, with its last run. */
export async function* listBatches(client: Client, options: ListOptions = {}): AsyncGenerator<BatchListEntry> {
  const seen = new Set<string>();
  let left = options.limit ?? Infinity;
  const which = options.open === true ? ` AND ExecutionStatus = 'Running'` : '';
  try {
    for await (const run of client.workflow.list({ query: `WorkflowType = 'batchWorkflow'${which}` })) {
      // A run that continued as new is not the batch's end; the latest run is listed first.
      if (seen.has(run.workflowId) || run.status.name === 'CONTINUED_AS_NEW') continue;
      if (left-- <= 0) return;
      seen.add(run.workflowId);
      const memo = run.memo ?? {};
      yield {
        batch_id: run.workflowId,
        status: statusOf(run),
        flow: typeof memo['flow'] === 'string' ? memo['flow'] : '',
        project: run.typedSearchAttributes.get(projectKey) ?? 'default',
        total: Number(memo['total'] ?? 0),
        output: typeof memo['storeUri'] === 'string' ? displayPath(memo['storeUri']) : '',
        started_at: run.startTime.toISOString(),
        closed_at: run.closeTime?.toISOString() ?? null,
      };
    }
  } catch (error) {
    throw explain(error, '');
  }
}

/** How many batches have not closed, by their state. */
export type OpenBatches = Record<'running' | 'paused' | 'waiting', number>;

/** Counted by Temporal's index, which is a moment behind. */
export async function countOpenBatches({ workflow }: Client): Promise<OpenBatches> {
  const query = `WorkflowType = 'batchWorkflow' AND ExecutionStatus = 'Running'`;
  const count = async (filter: string): Promise<number> => (await workflow.count(`${query}${filter}`)).count;
  try {
    const [open, paused, waiting] = await Promise.all([
      count(''),
      count(` AND ${stateKey.name} = 'paused'`),
      count(` AND ${stateKey.name} = 'waiting'`),
    ]);
    return { running: Math.max(0, open - paused - waiting), paused, waiting };
  } catch (error) {
    throw explain(error, '');
  }
}

function statusOf({ status, typedSearchAttributes }: WorkflowExecutionInfo): string {
  if (status.name === 'RUNNING') return typedSearchAttributes.get(stateKey) ?? 'running';
  return (status.name === 'COMPLETED' ? typedSearchAttributes.get(stateKey) : undefined) ?? 'terminated';
}
