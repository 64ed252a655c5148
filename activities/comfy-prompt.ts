import { parseComfyGraph, type ComfyGraph } from '../domain/comfy-graph.ts';
import { injectParameters } from '../domain/comfy-inject.ts';
import { findTargets } from '../domain/comfy-targets.ts';
import type { ComfyWork } from '../domain/comfy-work.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ComfyFile } from '../providers/comfyui/look.ts';
import { promptIdOf } from '../providers/comfyui/prompt-id.ts';
import type { Store } from '../storage/store.ts';
import type { StepItem } from './attempt.ts';

/** Which pictures of an item a prompt makes: from `offset` on (zero-based), `count` of them. */
export interface Share {
  offset: number;
  count: number;
}

/** One prompt of an item: a graph, and what identifies it. */
export interface ComfyPrompt extends Share {
  graph: ComfyGraph;
  /** Of the first picture, and of the whole prompt. */
  seed: number;
  promptId: (submission: number) => string;
  /** The files it will make, where the graph says what they are called. */
  expectedFiles: ComfyFile[];
}

/** Throws STORAGE_ERROR when the graph is gone, INVALID_INPUT when it is none. */
export async function readGraph(store: Store, { graph }: ComfyWork): Promise<ComfyGraph> {
  const bytes = await store.get(graph);
  if (bytes === null) throw new SluiceError('STORAGE_ERROR', `The graph ${graph} is missing.`);
  try {
    return parseComfyGraph(JSON.parse(bytes.toString('utf8')), graph);
  } catch (cause) {
    if (cause instanceof SluiceError) throw cause;
    throw new SluiceError('INVALID_INPUT', `The graph ${graph} is no JSON.`, { cause });
  }
}

/** Pictures a prompt of the graph can make: one where it has no place for a batch size. */
export function mostAtOnce(graph: ComfyGraph): number {
  return findTargets(graph).some(({ parameter }) => parameter === 'batch_size') ? Infinity : 1;
}

/**
 * The prompt for a share of an item's pictures. The same share always gives the same ids and file names,
 * and no other one does, so that what an earlier attempt left is recognised.
 */
export function promptFor(
  graph: ComfyGraph,
  batchId: string,
  item: StepItem,
  work: ComfyWork,
  { offset, count }: Share,
  sourceImage: string | undefined,
): ComfyPrompt {
  const seed = (item.seed + offset) % 2_147_483_648;
  const again = item.again === undefined ? '' : `.${String(item.again.times)}`;
  const share = `${(item.requestHash ?? item.hash).slice(0, 16)}${again}.${String(offset)}+${String(count)}`;
  const promptId = (submission: number): string => promptIdOf(batchId, item.id, `${share}.${String(submission)}`);
  const prefix = `sluice_${promptId(0)}`;
  const { steps, cfg, sampler, scheduler, width, height, checkpoint, loras } = work.values;
  const given = { steps, cfg, sampler, scheduler, width, height, checkpoint, loras, source_image: sourceImage };
  const injected = injectParameters(graph, {
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as object),
    prompt: item.prompt,
    ...(item.negativePrompt === undefined ? {} : { negative_prompt: item.negativePrompt }),
    seed,
    batch_size: count,
    filename_prefix: prefix,
  });
  const saves = injected.applied.filter(({ parameter }) => parameter === 'filename_prefix');
  const named = saves.length === 1 && saves[0]?.classType === 'SaveImage' && !injected.missing.includes('batch_size');
  return {
    graph: injected.graph,
    seed,
    offset,
    count,
    promptId,
    expectedFiles: named
      ? Array.from({ length: count }, (_, n) => ({
          filename: `${prefix}_${String(n + 1).padStart(5, '0')}_.png`,
          subfolder: '',
          type: 'output',
        }))
      : [],
  };
}
