import { ProviderError } from '../provider-error.ts';
import type { ExecutionFailure } from './errors.ts';
import { executionErrorSchema, filesSchema, timestampSchema, type historySchema } from './schemas.ts';
import type { z } from 'zod';

/** A file on the server. */
export interface ComfyFile {
  filename: string;
  subfolder: string;
  /** `output`, `temp` (previews) or `input`. */
  type: string;
}

export interface ComfyOutput extends ComfyFile {
  /** The node that made it. */
  node: string;
  /** Where the node lists it: `images`, `gifs`, `audio`, … */
  kind: string;
}

/** What became of a prompt. */
export type ComfyLook =
  /** Waiting; `position` 0 is next. */
  | { state: 'pending'; position: number }
  /** `duplicates`: the same id waits again behind it, because it was submitted twice. */
  | { state: 'running'; duplicates: number }
  | { state: 'succeeded'; outputs: ComfyOutput[]; startedAt: number | null; endedAt: number | null }
  | ({ state: 'failed' } & ExecutionFailure)
  | { state: 'interrupted' }
  /** Never submitted, deleted while it waited, or lost by a restart. */
  | { state: 'unknown' };

export interface QueueEntry {
  number: number;
  promptId: string;
}

export interface ComfyQueue {
  running: QueueEntry[];
  /** In the order they will run. */
  pending: QueueEntry[];
}

/** Where a prompt is in the queue; undefined if it is not in it. */
export function lookInQueue(queue: ComfyQueue, promptId: string): ComfyLook | undefined {
  const waiting = queue.pending.filter((entry) => entry.promptId === promptId).length;
  if (queue.running.some((entry) => entry.promptId === promptId)) return { state: 'running', duplicates: waiting };
  const position = queue.pending.findIndex((entry) => entry.promptId === promptId);
  return position < 0 ? undefined : { state: 'pending', position };
}

/** What history says of a prompt that is not in the queue. */
export function lookInHistory(history: z.output<typeof historySchema>, promptId: string): ComfyLook {
  const entry = history[promptId];
  if (entry === undefined) return { state: 'unknown' };
  const messages = entry.status?.messages ?? [];
  if (entry.status?.status_str !== 'error') {
    const at = (event: string) =>
      timestampSchema.safeParse(messages.find(([name]) => name === event)?.[1]).data?.timestamp;
    return {
      state: 'succeeded',
      outputs: outputsOf(entry.outputs),
      startedAt: at('execution_start') ?? null,
      endedAt: at('execution_success') ?? null,
    };
  }
  // An error and an interrupt have the same status; the last message tells them apart.
  const failure = messages.findLast(([name]) => name === 'execution_error' || name === 'execution_interrupted');
  if (failure?.[0] === 'execution_interrupted') return { state: 'interrupted' };
  const told = executionErrorSchema.safeParse(failure?.[1] ?? {});
  if (!told.success) throw new ProviderError('UNAVAILABLE', `ComfyUI's history of ${promptId} cannot be read.`);
  const { node_id: node, node_type: nodeType, exception_type: type, exception_message: message } = told.data;
  return { state: 'failed', node, nodeType, type, message };
}

function outputsOf(outputs: Record<string, Record<string, unknown>>): ComfyOutput[] {
  return Object.entries(outputs).flatMap(([node, shown]) =>
    Object.entries(shown).flatMap(([kind, list]) =>
      (filesSchema.safeParse(list).data ?? []).map(({ filename, subfolder, type }) => {
        return { node, kind, filename, subfolder, type };
      }),
    ),
  );
}
