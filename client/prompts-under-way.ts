import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { z } from 'zod';
import type { RunningItem } from '../domain/batch.ts';
import { itemWorkflowId } from '../domain/ids.ts';
import { explain } from './errors.ts';

/** What an activity that works on an item tells in its heartbeat, as far as people want to see it. */
const heartbeatSchema = z.object({
  calls: z.int(),
  prompt: z
    .object({
      endpoint: z.string(),
      count: z.int(),
      step: z.object({ value: z.number(), max: z.number() }).nullable(),
    })
    .nullish(),
});

/** A prompt that an item has on a GPU. Snake case because commands print it. */
export interface PromptUnderWay {
  item_id: string;
  label: string;
  /** Name of the endpoint. */
  endpoint: string;
  /** Pictures it makes. */
  count: number;
  /** Steps of the node that runs; null while it waits behind another prompt, or a model is loaded. */
  step: { value: number; max: number } | null;
}

/** Items asked for at a time: each is a request to the server. */
const atOnce = 8;

/**
 * The prompts that items have on GPUs, from the last heartbeat of each: a second old, or a little more.
 *
 * @param items those that run, as the batch's progress lists them
 */
export async function promptsUnderWay(
  client: Client,
  batchId: string,
  items: readonly RunningItem[],
): Promise<PromptUnderWay[]> {
  const found = await heartbeatsOf(client, batchId, items);
  return found.flatMap(({ item, prompt }) => {
    if (prompt === null || prompt === undefined) return [];
    const { endpoint, count, step } = prompt;
    return [{ item_id: item.itemId, label: item.label, endpoint, count, step }];
  });
}

/** Whether any of the items has a prompt on a GPU or has called its model. */
export async function anyCalled(client: Client, batchId: string, items: readonly RunningItem[]): Promise<boolean> {
  const found = await heartbeatsOf(client, batchId, items);
  return found.some(({ calls, prompt }) => calls > 0 || (prompt ?? null) !== null);
}

type Heartbeat = z.output<typeof heartbeatSchema> & { item: RunningItem };

async function heartbeatsOf(client: Client, batchId: string, items: readonly RunningItem[]): Promise<Heartbeat[]> {
  const waiting = items.values();
  const found = new Map<RunningItem, Heartbeat>();
  const ask = async (): Promise<void> => {
    for (const item of waiting) {
      const heartbeat = await heartbeatOf(client, itemWorkflowId(batchId, item.itemId));
      if (heartbeat !== null) found.set(item, { ...heartbeat, item });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, ask));
  return items.flatMap((item) => found.get(item) ?? []);
}

/** Null while an item is not started, when it has just ended, and before its activity tells anything. */
async function heartbeatOf(client: Client, workflowId: string): Promise<z.output<typeof heartbeatSchema> | null> {
  const description = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      const known = explain(error, workflowId);
      if ('code' in known && known.code === 'BATCH_NOT_FOUND') return null;
      throw known;
    });
  for (const { heartbeatDetails } of description?.raw.pendingActivities ?? []) {
    const [payload] = heartbeatDetails?.payloads ?? [];
    if (payload === undefined) continue;
    const parsed = heartbeatSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
    if (parsed.success) return parsed.data;
  }
  return null;
}
