import type { ComfyGraph } from '../domain/comfy-graph.ts';
import type { ComfyWork } from '../domain/comfy-work.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ResultRow } from '../domain/result.ts';
import type { GpuLease, GpuLeaseEnd, GpuPool } from '../providers/gpu-pool/types.ts';
import { CallRefused, type Limiter } from '../providers/limiter/limiter.ts';
import { ProviderError } from '../providers/provider-error.ts';
import type { Attempt } from './attempt.ts';
import { batchLimiterKey } from './limiter-keys.ts';
import type { BatchSizes } from './batch-sizes.ts';
import { mostAtOnce, promptFor, type Share } from './comfy-prompt.ts';
import { awaitTurn } from './gpu-turn.ts';
import { findLeftPrompt } from './left-prompt.ts';
import type { LostPrompts } from './lost-prompts.ts';
import type { PictureState } from './picture-states.ts';
import type { Refusals } from './refusals.ts';
import { runShare } from './run-share.ts';
import type { SourceImageDeps } from './source-image.ts';
import { storePictures, type Picture } from './store-pictures.ts';
import type { StepDeps } from './step-work.ts';

export interface MakeShareDeps extends StepDeps, SourceImageDeps {
  limiter: Limiter;
  pool: (mode: ProviderMode) => GpuPool;
  /** Between two looks at a prompt, milliseconds; its WebSocket makes it look at once. @default 1000 */
  pollMs?: number;
  /** How long an endpoint may be silent before its items go elsewhere, milliseconds. @default 10000 */
  patienceMs?: number | undefined;
}

/** What the items of a worker share. */
interface Tools {
  deps: MakeShareDeps;
  sizes: BatchSizes;
  lost: LostPrompts;
  refusals: Refusals;
}

/** What an item is made from, and what there is of it; what is stored is noted in `pictures`. */
interface Making {
  work: ComfyWork;
  graph: ComfyGraph;
  pictures: PictureState[];
  /** Called with what was made once it is stored. */
  made: (pictures: readonly Picture[]) => Promise<void>;
}

/** Endpoints that may die under a share before its attempt fails. */
const mostEndpoints = 5;

/**
 * Makes and stores the picture at `place`, and those that one prompt makes with it. A prompt that an earlier
 * attempt left is looked for first, where it was left; one whose endpoint dies, or has not what the graph needs,
 * goes to another endpoint; one that runs out of memory is halved.
 */
export async function makeShare(
  { deps, sizes, lost, refusals }: Tools,
  attempt: Attempt,
  { work, graph, pictures, made }: Making,
  place: number,
): Promise<ResultRow> {
  const { input, log, item } = attempt;
  const endpoints = deps
    .pool(input.mode)
    .endpointsOf(input.gpuClass)
    .map(({ endpoint }) => endpoint.name);
  const refused = new Set<string>();
  let past = pictures[place]?.past ?? null;
  for (let dead = 0; ;) {
    const toMake = missingFrom(pictures, place);
    if (log.prompt === null && past === null && dead === 0) {
      log.prompt = await findLeftPrompt(deps.pool(input.mode), attempt, { work, graph, place, missing: toMake });
    }
    const note = log.prompt !== null && covers(log.prompt, place) ? log.prompt : null;
    const avoid = refusals.avoided(work, endpoints, refused, Date.now());
    const lease = await awaitTurn(deps, attempt, work, { left: note?.endpoint, prefer: past?.endpoint, avoid });
    let end: GpuLeaseEnd = {};
    let share: Share = { offset: place, count: 0 };
    try {
      await lost.cancelOn(lease);
      const here = note?.endpoint === lease.endpoint.name ? note : null;
      const most = Math.min(toMake, mostAtOnce(graph));
      share = here ?? past ?? { offset: place, count: sizes.sizeFor(work, lease, most) };
      const { prompt, promptId, outputs, runMs } = await runShare(deps, attempt, {
        ...{ work, graph, lease },
        share: { offset: share.offset, count: share.count },
        submission: here?.submission ?? 0,
      });
      end = runMs === null ? {} : { runMs };
      lease.release(end);
      const missing = outputs.map((_, n) => pictures[prompt.offset + n]?.row === null);
      const patienceMs = deps.storagePatienceMs ?? 5_000;
      const madeHere = { lease, prompt, promptId, outputs, missing, patienceMs };
      const { row, pictures: stored } = await storePictures(attempt, madeHere);
      await made(stored);
      for (const picture of pictures.slice(prompt.offset, prompt.offset + prompt.count)) picture.row ??= row;
      return row;
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      const left = log.prompt;
      if (error.code === 'OUT_OF_MEMORY' && share.count > 1) {
        sizes.tooLarge(work, lease.endpoint.name, share.count);
        end = { checkpoint: null };
        past = null;
      } else if (await isAway(error, lease, deps.patienceMs)) {
        end = { failed: true };
        if (left !== null) {
          const { promptId } = promptFor(graph, input.batchId, item, work, left, undefined);
          lost.add(lease.endpoint.name, promptId(left.submission));
        }
        dead += 1;
        if (dead === mostEndpoints) throw error;
      } else if (error.code === 'INVALID_INPUT' && refused.size + 1 < endpoints.length) {
        refused.add(lease.endpoint.name);
        refusals.note(work, lease.endpoint.name, Date.now());
        past = null;
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

function covers({ offset, count }: Share, place: number): boolean {
  return offset <= place && place < offset + count;
}

/** Pictures in a row that are to be made, from `place` on. */
function missingFrom(pictures: readonly PictureState[], place: number): number {
  const next = pictures.findIndex(({ row }, at) => at > place && row !== null);
  return (next < 0 ? pictures.length : next) - place;
}

/** Whether the endpoint itself is away, and not only this prompt in trouble. */
async function isAway(error: ProviderError, { client }: GpuLease, patienceMs = 10_000): Promise<boolean> {
  if (error.code !== 'UNAVAILABLE' && error.code !== 'TIMEOUT') return false;
  try {
    await client.systemStats({ signal: AbortSignal.timeout(Math.min(5_000, patienceMs)) });
    return false;
  } catch {
    return true;
  }
}
