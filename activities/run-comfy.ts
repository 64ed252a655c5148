import { createHash } from 'node:crypto';
import { extname } from 'node:path';
import type { ComfyGraph } from '../domain/comfy-graph.ts';
import type { ComfyWork } from '../domain/comfy-work.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { artifactNames } from '../domain/item.ts';
import type { ItemOutcome, ResultRow } from '../domain/result.ts';
import type { CollectedOutput } from '../providers/comfyui/collect.ts';
import { runPrompt, type PromptProgress } from '../providers/comfyui/run-prompt.ts';
import type { GpuLease, GpuPool } from '../providers/gpu-pool/types.ts';
import { CallRefused, type Limiter } from '../providers/limiter/limiter.ts';
import { ProviderError } from '../providers/provider-error.ts';
import { findFinishedFile } from './artifact.ts';
import { createItemActivity, type Attempt, type AttemptDeps } from './attempt.ts';
import type { PromptNote } from './attempt-log.ts';
import { BatchSizes } from './batch-sizes.ts';
import { batchLimiterKey } from './batch-limiter-key.ts';
import { mostAtOnce, promptFor, readGraph, type ComfyPrompt, type Share } from './comfy-prompt.ts';
import { awaitTurn } from './gpu-turn.ts';
import { LostPrompts } from './lost-prompts.ts';
import { readItem } from './read-page.ts';
import { isShutdown } from './shutdown-signal.ts';
import { readSourceImage } from './source-image.ts';
import { storePictures } from './store-pictures.ts';
import { requireRoom } from './store-paid.ts';
import type { ItemInput } from './types.ts';

export interface RunComfyDeps extends AttemptDeps {
  limiter: Limiter;
  pool: (mode: ProviderMode) => GpuPool;
  /** Between two looks at a prompt, milliseconds; its WebSocket makes it look at once. @default 1000 */
  pollMs?: number;
  /** How long an endpoint may be silent before its items go elsewhere, milliseconds. @default 10000 */
  patienceMs?: number;
  /** How long an attempt tries to store pictures, milliseconds. @default 5000 */
  storagePatienceMs?: number;
}

/** Endpoints an attempt tries before it fails. */
const mostEndpoints = 5;

/**
 * Makes an item's pictures on ComfyUI servers: share by share (a prompt makes as many as the GPU holds),
 * each stored before the next begins. A prompt that an earlier attempt left is looked for first, where it
 * was left; one whose endpoint dies goes to another endpoint; one that runs out of memory is halved.
 */
export function createRunComfy(deps: RunComfyDeps): (input: ItemInput) => Promise<ItemOutcome> {
  const sizes = new BatchSizes();
  const lost = new LostPrompts();
  return createItemActivity(
    deps,
    () => () => 0,
    async (attempt) => {
      const { item, store, input, log } = attempt;
      const work = item.comfy;
      if (work === undefined) throw new SluiceError('INPUT_CORRUPT', `The item ${item.id} names no graph.`);
      const graph = await readGraph(store, work);
      const names = artifactNames(item);
      let row: ResultRow | null = null;
      for (let offset = 0; offset < names.length;) {
        const name = names[offset] ?? item.name;
        const finished = await findFinishedFile(store, input.batchId, item, name);
        if (finished !== null) {
          row = finished;
          offset += 1;
          continue;
        }
        row = await makeShare({ deps, sizes, lost }, attempt, work, graph, offset);
        log.prompt = null;
      }
      if (row === null) throw new SluiceError('INPUT_CORRUPT', `The item ${item.id} asks for no picture.`);
      return row;
    },
  );
}

interface Tools {
  deps: RunComfyDeps;
  sizes: BatchSizes;
  lost: LostPrompts;
}

/** Makes and stores the pictures from `offset` on, as many as one prompt makes. */
async function makeShare(
  tools: Tools,
  attempt: Attempt,
  work: ComfyWork,
  graph: ComfyGraph,
  offset: number,
): Promise<ResultRow> {
  const { deps, sizes, lost } = tools;
  const { input, log } = attempt;
  for (let endpoints = 1; ; endpoints += 1) {
    const earlier = log.prompt?.offset === offset ? log.prompt : null;
    const lease = await awaitTurn(deps, attempt, work, earlier?.endpoint);
    let end: Parameters<GpuLease['release']>[0] = {};
    let share: Share = { offset, count: 0 };
    try {
      await lost.cancelOn(lease);
      const here = earlier?.endpoint === lease.endpoint.name ? earlier : null;
      const count = Math.min(work.count - offset, mostAtOnce(graph));
      share = { offset, count: here?.count ?? sizes.sizeFor(work, lease, count) };
      const { prompt, outputs, runMs } = await runShare(
        deps,
        attempt,
        work,
        graph,
        lease,
        share,
        here?.submission ?? 0,
      );
      end = runMs === null ? {} : { runMs };
      lease.release(end);
      return await storePictures(attempt, { lease, prompt, outputs, patienceMs: deps.storagePatienceMs ?? 5_000 });
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const left = log.prompt;
      if (error.code === 'OUT_OF_MEMORY' && share.count > 1) {
        sizes.tooLarge(work, lease.endpoint.name, share.count);
        end = { checkpoint: null };
      } else if (await isAway(error, lease)) {
        end = { failed: true };
        if (left !== null) lost.add(lease.endpoint.name, promptIdFor(attempt, work, graph, left));
        if (endpoints === mostEndpoints) throw error;
      } else {
        // One that the server may still be working on is looked for by the next attempt.
        if (error.code !== 'UNAVAILABLE' && error.code !== 'TIMEOUT') log.prompt = null;
        throw error;
      }
      log.prompt = null;
    } finally {
      lease.release(end);
    }
    if (deps.limiter.refuses(batchLimiterKey(input.batchId), input.limitsRevision)) throw new CallRefused();
  }
}

async function runShare(
  deps: RunComfyDeps,
  attempt: Attempt,
  work: ComfyWork,
  graph: ComfyGraph,
  lease: GpuLease,
  share: Share,
  submission: number,
): Promise<{ prompt: ComfyPrompt; outputs: CollectedOutput[]; runMs: number | null }> {
  const { input, item, log, store } = attempt;
  await readItem(store, input.ref);
  await requireRoom(store);
  const source = await uploadSource(attempt, lease);
  const prompt = promptFor(graph, input.batchId, item, work, share, source);
  const { signal, running, done } = timeLimit(input.timeoutMs, attempt.signal);
  log.called();
  const onProgress = ({ submission, state, step }: PromptProgress): void => {
    if (state === 'running') running();
    log.prompt = {
      endpoint: lease.endpoint.name,
      ...share,
      submission,
      step: step === undefined ? null : { value: step.value, max: step.max },
    };
  };
  try {
    const { outputs, startedAt, endedAt } = await runPrompt({
      client: lease.client,
      graph: prompt.graph,
      promptId: prompt.promptId,
      submission,
      expectedFiles: prompt.expectedFiles,
      extraData: { extra_pnginfo: { sluice: { batch: input.batchId, item: item.id, seed: prompt.seed } } },
      signal,
      keepOnAbort: (reason) => isShutdown(reason) || reason === deps.stopping?.reason,
      onProgress,
      pollMs: deps.pollMs ?? 1_000,
      patienceMs: deps.patienceMs ?? 10_000,
    });
    if (outputs.length < share.count) {
      const made = `${String(outputs.length)} of ${String(share.count)} pictures`;
      throw new ProviderError('NO_OUTPUT', `The graph made ${made}.`);
    }
    log.charged({ inputTokens: 0, outputTokens: 0, images: share.count });
    const runMs = startedAt === null || endedAt === null ? null : endedAt - startedAt;
    return { prompt, outputs: outputs.slice(0, share.count), runMs };
  } finally {
    done();
  }
}

/** Whether the endpoint itself is away, and not only this prompt in trouble. */
async function isAway(error: ProviderError, { client }: GpuLease): Promise<boolean> {
  if (error.code !== 'UNAVAILABLE' && error.code !== 'TIMEOUT') return false;
  try {
    await client.systemStats({ signal: AbortSignal.timeout(5_000) });
    return false;
  } catch {
    return true;
  }
}

/** The time limit of a prompt runs from when the GPU begins with it. */
function timeLimit(timeoutMs: number, outer: AbortSignal) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    running: (): void => {
      timer ??= setTimeout(() => {
        const limit = `${String(timeoutMs / 1_000)} s`;
        controller.abort(new ProviderError('TIMEOUT', `The prompt ran longer than ${limit} and was cancelled.`));
      }, timeoutMs);
    },
    done: (): void => {
      clearTimeout(timer);
    },
  };
}

/** Called after its content, so that the same picture is the same file on the server. */
async function uploadSource({ item, signal }: Attempt, { client }: GpuLease): Promise<string | undefined> {
  if (item.fromImage === undefined) return undefined;
  const { mimeType, data } = await readSourceImage(item.fromImage, signal);
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 32);
  const extension = extname(`x.${mimeType.split('/')[1] ?? 'png'}`);
  return client.upload({ name: `sluice-${hash}${extension}`, mimeType, data }, { signal });
}

function promptIdFor({ input, item }: Attempt, work: ComfyWork, graph: ComfyGraph, note: PromptNote): string {
  return promptFor(graph, input.batchId, item, work, note, undefined).promptId(note.submission);
}
