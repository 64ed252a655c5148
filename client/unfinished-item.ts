import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { itemWorkflowId } from '../domain/ids.ts';
import { parseStagedItem, type StagedItem } from '../domain/item.ts';
import { partKey } from '../domain/part-key.ts';
import { openStore } from '../storage/open-store.ts';
import type { Store } from '../storage/store.ts';
import type { BatchHandle } from './batch-handle.ts';
import { explain, notFound } from './errors.ts';

/** An item without a result, as it was staged. Snake case because commands and replies show it. */
export interface UnfinishedItem {
  request_id: string;
  /** `pending`: its turn has not come; `waiting`: for a person; `cancelled`: the batch closed before its turn. */
  status: 'pending' | 'waiting' | 'cancelled';
  /** Place among the batch's items. */
  index: number;
  label: string;
  model: string;
  seed: number;
}

/** How an item stands that has no result; null if the batch has no such item. Throws BATCH_NOT_FOUND. */
export async function findUnfinished(
  client: Client,
  batch: BatchHandle,
  itemId: string,
): Promise<UnfinishedItem | null> {
  const found = await batch.find();
  if (typeof found?.storeUri !== 'string') throw notFound(batch.batchId);
  const item = await findStaged(openStore(found.storeUri), itemId);
  if (item === null) return null;
  const { index, name: label, model, seed } = item;
  const isOpen = found.state === 'running';
  const status = !isOpen ? 'cancelled' : (await asksPerson(client, batch.batchId, itemId)) ? 'waiting' : 'pending';
  return { request_id: itemId, status, index, label, model, seed };
}

/** Looks through the staged items, part by part. */
async function findStaged(store: Store, itemId: string): Promise<StagedItem | null> {
  const id = `"id":${JSON.stringify(itemId)}`;
  for (let part = 0; ; part += 1) {
    const bytes = await store.get(partKey('input', part));
    if (bytes === null) return null;
    if (!bytes.includes(id)) continue;
    for (const line of bytes.toString('utf8').split('\n')) {
      const item = line.includes(id) ? parseStagedItem(line) : null;
      if (item?.id === itemId) return item;
    }
  }
}

async function asksPerson(client: Client, batchId: string, itemId: string): Promise<boolean> {
  try {
    const { status, memo } = await client.workflow.getHandle(itemWorkflowId(batchId, itemId)).describe();
    return status.name === 'RUNNING' && (memo?.['question'] ?? null) !== null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw explain(error, batchId);
  }
}
