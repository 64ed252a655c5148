import { activityInfo } from '@temporalio/activity';
import type { ComfyGraph } from '../domain/comfy-graph.ts';
import type { ComfyWork } from '../domain/comfy-work.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ComfyClient } from '../providers/comfyui/client.ts';
import type { GpuPool } from '../providers/gpu-pool/types.ts';
import type { Attempt } from './attempt.ts';
import type { PromptNote } from './attempt-log.ts';
import { mostAtOnce, promptFor } from './comfy-prompt.ts';

/** A server that takes longer has nothing to tell, milliseconds. */
const lookMs = 3_000;
/** Submissions of one share that are looked for; see `runPrompt`. */
const submissions = 5;
/** Pictures a prompt, where the GPU decides; see `BatchSizes`. */
const usual = [8, 4, 2, 1];

/**
 * Looks for a prompt that an earlier attempt left on any server of the class although no heartbeat tells of
 * it: heartbeats are sent about once a second, and a worker can be killed in between.
 *
 * @param missing pictures to be made from `place` on
 * @returns where it is; null on a first attempt, or when there is none
 */
export async function findLeftPrompt(
  pool: GpuPool,
  attempt: Attempt,
  { work, graph, place, missing }: { work: ComfyWork; graph: ComfyGraph; place: number; missing: number },
): Promise<PromptNote | null> {
  if (activityInfo().attempt === 1) return null;
  const { input, item } = attempt;
  const most = Math.min(missing, mostAtOnce(graph));
  const inQueue = new Map<string, Omit<PromptNote, 'endpoint'>>();
  const inHistory = new Map<string, Omit<PromptNote, 'endpoint'>>();
  for (let count = 1; count <= most; count += 1) {
    const { promptId } = promptFor(graph, input.batchId, item, work, { offset: place, count }, undefined);
    for (let submission = 0; submission < submissions; submission += 1) {
      inQueue.set(promptId(submission), { offset: place, count, submission, step: null });
    }
    const likely = usual.includes(count) || count === work.batchSize || count === most;
    if (likely) inHistory.set(promptId(0), { offset: place, count, submission: 0, step: null });
  }
  const found = await Promise.all(
    pool.endpointsOf(input.gpuClass).map(async ({ endpoint, client }) => {
      const note = await lookOn(client, inQueue, inHistory, attempt.signal);
      return note === null ? null : { endpoint: endpoint.name, ...note };
    }),
  );
  return found.find((note) => note !== null) ?? null;
}

async function lookOn<Note>(
  client: ComfyClient,
  inQueue: ReadonlyMap<string, Note>,
  inHistory: ReadonlyMap<string, Note>,
  outer: AbortSignal,
): Promise<Note | null> {
  const signal = AbortSignal.any([outer, AbortSignal.timeout(lookMs)]);
  try {
    const { running, pending } = await client.queue({ signal });
    for (const { promptId } of [...running, ...pending]) {
      const note = inQueue.get(promptId);
      if (note !== undefined) return note;
    }
    for (const [promptId, note] of inHistory) {
      if ((await client.lookBack(promptId, { signal })).state === 'succeeded') return note;
    }
    return null;
  } catch (error) {
    outer.throwIfAborted();
    // A server that is away: what it may have cannot be had now.
    if (error instanceof SluiceError || signal.aborted) return null;
    throw error;
  }
}
