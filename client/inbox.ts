import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { itemWorkflowType, searchAttributeNames } from '../domain/search-attributes.ts';
import type { Decision, OpenQuestion } from '../domain/question.ts';
import { displayPath } from './batch-report.ts';
import { BatchHandle } from './batch-handle.ts';
import { explain, notFound } from './errors.ts';

/** A question that waits for an answer. Snake case because commands print it. */
export interface InboxEntry {
  batch_id: string;
  item_id: string;
  /** Id of the question: the step, and in loops the round. */
  question: string;
  title: string;
  /** File to look at; null if the title says it all. */
  path: string | null;
  choices: readonly Decision[];
  /** ISO 8601, UTC. */
  since: string;
  age_seconds: number;
  /** When it is answered by itself, and how; null: never. */
  expires_at: string | null;
  on_timeout: 'approve' | 'reject' | 'fail' | null;
}

export interface InboxOptions {
  /** Only those of this batch. @default all */
  batchId?: string | undefined;
  /** At most this many of those found. @default 1000 */
  limit?: number | undefined;
}

/**
 * What items wait for people to answer, the oldest first. By Temporal's visibility, which may lag a moment behind.
 *
 * @throws SluiceError BATCH_NOT_FOUND, ENGINE_UNAVAILABLE
 */
export async function readInbox(client: Client, options: InboxOptions = {}): Promise<InboxEntry[]> {
  const { batchId, limit = 1_000 } = options;
  if (batchId !== undefined && (await new BatchHandle(client, batchId).find()) === null) throw notFound(batchId);
  const ofBatch = batchId === undefined ? '' : ` AND ${searchAttributeNames.batch} = '${batchId}'`;
  const query = `WorkflowType = '${itemWorkflowType}' AND ${searchAttributeNames.state} = 'waiting' AND ExecutionStatus = 'Running'${ofBatch}`;
  const entries: InboxEntry[] = [];
  try {
    for await (const { workflowId, memo } of client.workflow.list({ query })) {
      const question = memo?.['question'] as OpenQuestion | null | undefined;
      // Answered since it was listed.
      if (question === null || question === undefined) continue;
      entries.push(entryOf(workflowId, question, Date.now()));
      if (entries.length >= limit) break;
    }
  } catch (error) {
    throw explain(error, batchId ?? '');
  }
  return entries.sort((a, b) => (a.since < b.since ? -1 : a.since > b.since ? 1 : 0));
}

function entryOf(workflowId: string, question: OpenQuestion, nowMs: number): InboxEntry {
  const slash = workflowId.indexOf('/');
  const sinceMs = Date.parse(question.since);
  const { timeoutMs, path, storeUri } = question;
  return {
    batch_id: workflowId.slice(0, slash),
    item_id: workflowId.slice(slash + 1),
    question: question.id,
    title: question.title,
    path: path === null ? null : join(displayPath(storeUri), path),
    choices: question.choices,
    since: question.since,
    age_seconds: Math.max(0, Math.round((nowMs - sinceMs) / 1_000)),
    expires_at: timeoutMs === null ? null : new Date(sinceMs + timeoutMs).toISOString(),
    on_timeout: timeoutMs === null ? null : question.onTimeout,
  };
}
