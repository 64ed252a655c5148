import type { z } from 'zod';
import type { ComfyGraph } from '../domain/comfy-graph.ts';
import { findTargets } from '../domain/comfy-targets.ts';
import type { ComfyWork } from '../domain/comfy-work.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ResultRow } from '../domain/result.ts';
import { promptWithNotes } from '../domain/review.ts';
import { roundSeed } from '../domain/round-seed.ts';
import { stepOptions } from '../domain/step-options.ts';
import type { Attempt, StepItem } from './attempt.ts';
import { BatchSizes } from './batch-sizes.ts';
import { readGraph } from './comfy-prompt.ts';
import { readFromImage } from './image-request.ts';
import { LostPrompts } from './lost-prompts.ts';
import { makeShare, type MakeShareDeps } from './make-share.ts';
import { readPictureStates } from './picture-states.ts';
import { Refusals } from './refusals.ts';
import { keepPictures, reusePictures } from './reuse-pictures.ts';
import { comparable } from './reuse.ts';
import { createStepActivity } from './step-activity.ts';
import { readStepOptions } from './step-options.ts';
import type { Picture } from './store-pictures.ts';
import type { GpuActivities } from './types.ts';

export type RunComfyDeps = MakeShareDeps;

/** What pictures are made from. */
interface ComfyStepRequest {
  prompt: string;
  negativePrompt?: string;
  seed: number;
  work: ComfyWork;
  graph: ComfyGraph;
  /** The picture it begins with. */
  fromImage?: string;
  fromImageSha256?: string;
}

/**
 * Makes an item's pictures on ComfyUI servers: share by share (a prompt makes as many as the GPU holds),
 * each stored before the next begins. What storage has already is left as it is.
 */
export function createRunComfy(deps: RunComfyDeps): GpuActivities['runComfy'] {
  const tools = { deps, sizes: new BatchSizes(), lost: new LostPrompts(), refusals: new Refusals() };
  return createStepActivity(deps, {
    request: readRequest,
    async run(step, request) {
      const attempt = step.as(comfyItem(step, request));
      const { item, store, input, log } = attempt;
      const { work, graph } = request;
      const pictures = await readPictureStates(store, input.batchId, item);
      const checkpoint = work.values.checkpoint;
      const place = { attempt, request: sameOf(request) };
      // What is there already, or under way, is this batch's own.
      const isNew = log.prompt === null && pictures.every(({ row, past }) => row === null && past === null);
      const reused = isNew ? await reusePictures(deps, place, work.count) : null;
      if (reused !== null) {
        const { output_path: path, model, cached_from } = reused;
        return { row: reused, path, model: checkpoint ?? model, ...(cached_from === undefined ? {} : { cached_from }) };
      }
      const made = (stored: readonly Picture[]): Promise<void> => keepPictures(deps, place, stored);
      let row: ResultRow | null = null;
      for (const [n, { row: stored }] of pictures.entries()) {
        row = stored;
        if (row !== null) continue;
        row = await makeShare(tools, attempt, { work, graph, pictures, made }, n);
        log.prompt = null;
      }
      if (row === null) throw new SluiceError('INPUT_CORRUPT', `The item ${item.id} asks for no picture.`);
      return { row, path: row.output_path, model: checkpoint ?? row.model };
    },
  });
}

/** What pictures of other batches are compared by: not by their names. */
function sameOf({ work, ...request }: ComfyStepRequest): object | null {
  const { values, batchSize, count } = work;
  return comparable({ ...request, values, batchSize, count });
}

async function readRequest(step: Attempt): Promise<ComfyStepRequest> {
  const { item, store, input } = step;
  if (item.comfy === undefined) throw new SluiceError('INPUT_CORRUPT', `The item ${item.id} names no graph.`);
  const { prompt, negative_prompt, from_image, ...asked } = readStepOptions(step, stepOptions.comfy);
  const negativePrompt = negative_prompt ?? item.negativePrompt;
  const own = { ...item.comfy, graph: asked.graph ?? item.comfy.graph };
  const graph = await readGraph(store, own);
  return {
    prompt: promptWithNotes(prompt ?? item.prompt, item.again),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    seed: roundSeed(item.seed, input.round, item.again?.times),
    work: step.scope === null ? item.comfy : { ...own, ...askedOf(asked, item.comfy, graph) },
    graph,
    ...(await readFromImage(step, from_image ?? undefined)),
  };
}

/** Pictures and settings: what the step says, else the row's. Which checkpoint has to be loaded is always named. */
function askedOf(
  { count, graph: _graph, gpu_class: _class, ...given }: Omit<z.output<typeof stepOptions.comfy>, 'prompt'>,
  work: ComfyWork,
  graph: ComfyGraph,
): Pick<ComfyWork, 'count' | 'values'> {
  const own = findTargets(graph).find(({ parameter }) => parameter === 'checkpoint')?.value;
  const settings = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  const checkpoint = typeof own === 'string' ? { checkpoint: own } : {};
  return {
    count: count ?? work.count,
    values: { ...checkpoint, ...work.values, ...Object.fromEntries(settings) },
  };
}

/** The item with what the step asks for in place of what the row says. */
function comfyItem(step: Attempt, request: ComfyStepRequest): StepItem {
  const { prompt, negativePrompt, seed, work, fromImage } = request;
  const { negativePrompt: _negative, fromImage: own, localSource, ...item } = step.item;
  // The pictures of a step lie where its file would.
  const folder = step.fileName({ eachRound: true }).slice(0, -item.name.length);
  return {
    ...item,
    ...{ prompt, seed },
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    ...(fromImage === undefined ? {} : { fromImage }),
    // What a template says instead of the row is nobody's word.
    ...(localSource === true && fromImage === own ? { localSource } : {}),
    comfy: { ...work, prefix: `${folder}${work.prefix}` },
  };
}
