import { randomInt } from 'node:crypto';
import type { BatchSpecInput } from '../domain/batch-spec.ts';
import type { ComfyGraph } from '../domain/comfy-graph.ts';
import { injectParameters, type ComfyParameterValues } from '../domain/comfy-inject.ts';
import { findTargets, type ComfyParameter } from '../domain/comfy-targets.ts';
import type { ComfySpec } from '../domain/comfy-work.ts';
import { defined } from '../domain/defined.ts';
import { SluiceError } from '../domain/errors.ts';
import type { GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { PriorityName } from '../domain/priority.ts';
import { profileSpec, profileValues } from '../domain/sprite-profile.ts';
import { assertClass } from './gpu-classes.ts';
import { graphKey, graphPathOf, readGraphFile, shippedGraphs } from './graph-files.ts';
import { findProfile, loadProfiles, type NamedProfile } from './profiles.ts';
import type { SubmitOptions } from './submit.ts';

export interface SpriteOptions {
  prompts: readonly string[];
  /** Pictures of each prompt. @default 1 */
  count?: number | undefined;
  /** Of the first picture; the next ones have the next numbers. @default a random one */
  seed?: number | undefined;
  /** Of each prompt's pictures, one for each, instead of `count` and `seed`; each is a prompt of its own. */
  seeds?: readonly number[] | undefined;
  /** @default 'balanced' */
  profile?: string | undefined;
  /** Path of a graph in API format, instead of the profile's. */
  graph?: string | undefined;
  /** Pictures a prompt. */
  batchSize?: number | 'auto' | undefined;
  steps?: number | undefined;
  cfg?: number | undefined;
  /** Checkpoint, as the server calls it. */
  model?: string | undefined;
  loras?: readonly { name: string; strength?: number }[] | undefined;
  negativePrompt?: string | undefined;
  width?: number | undefined;
  height?: number | undefined;
  gpuClass?: string | undefined;
  priority?: PriorityName | undefined;
  project?: string | undefined;
  /** Items at work or waiting for a GPU at once. @default 32 */
  concurrency?: number | undefined;
  output?: string | undefined;
}

export interface SpritePlan {
  submit: SubmitOptions;
  profile: string;
  gpuClass: string;
  /** Of the first picture. */
  seed: number;
  pictures: number;
  items: number;
  /** Parameters of the profile that have no place in the graph, and are left out. */
  unused: ComfyParameter[];
}

/** Pictures an item asks for where the GPU decides how many a prompt makes. */
const autoItem = 8;

/**
 * Turns a wish for sprites into a submission: settings of the profile under those given, the graph read and
 * looked through, pictures dealt out to items of one prompt each.
 *
 * @param served GPUs there are. @default whether any serves the class is not looked at
 * @throws SluiceError USAGE when what was asked for has no place in the graph, or no GPU; CONFIG_INVALID, INVALID_INPUT
 */
export async function planSprites(
  home: string,
  options: SpriteOptions,
  served?: { gpus: readonly GpuEndpointConfig[]; gpuMode: ProviderMode },
): Promise<SpritePlan> {
  const profile = findProfile(await loadProfiles(home), options.profile);
  const { text, graph, name } = await readGraphFile(await graphPath(options.graph, profile));
  const given = givenValues(options);
  const { batch_size: _size, ...fromProfile } = profileValues(profile);
  const values = { ...fromProfile, ...given };
  const unused = checkPlaces(graph, name, values, given, options.batchSize !== undefined);
  // Only the first picture of a prompt on the GPU is that of its seed alone.
  const batchSize = options.seeds === undefined ? (options.batchSize ?? profile.hardware.batch_size) : 1;
  const seed = options.seeds?.[0] ?? options.seed ?? randomInt(2_147_483_648);
  const rows = itemRows(options, {
    size: batchSize === 'auto' ? autoItem : batchSize,
    seed,
    prefix: profile.output.name,
  });
  const { minVramGb, ...comfy } = comfySpec(options, profile, graph, values);
  if (served !== undefined) assertClass(comfy.gpuClass, served.gpus, served.gpuMode);
  const key = graphKey(text);
  return {
    submit: {
      input: { text: rows.map((row) => `${JSON.stringify(row)}\n`).join('') },
      format: 'jsonl',
      output: options.output,
      parent: profile.output.directory,
      files: [{ key, text }],
      spec: {
        ...profileSpec(profile),
        flow: 'sprite',
        priority: options.priority ?? profile.queue.priority,
        ...(options.project === undefined ? {} : { project: options.project }),
        limits: { concurrency: options.concurrency ?? 32, ratePerMinute: null },
        comfy: { ...comfy, graph: key, batchSize, ...(minVramGb === undefined ? {} : { minVramGb }) },
      } satisfies BatchSpecInput,
    },
    profile: profile.name,
    gpuClass: comfy.gpuClass,
    seed,
    pictures: options.prompts.length * (options.seeds?.length ?? options.count ?? 1),
    items: rows.length,
    unused,
  };
}

/** A path is taken from the working directory, as other paths of commands are. */
async function graphPath(graph: string | undefined, profile: NamedProfile): Promise<string> {
  if (graph === undefined) return profile.graphPath;
  return graph.endsWith('.json') ? graph : (graphPathOf(graph, '', await shippedGraphs()) ?? graph);
}

type Values = Omit<ComfyParameterValues, 'prompt' | 'seed' | 'batch_size' | 'source_image' | 'filename_prefix'>;

function givenValues({ steps, cfg, model, loras, negativePrompt, width, height }: SpriteOptions): Values {
  return defined({ steps, cfg, checkpoint: model, loras, negative_prompt: negativePrompt, width, height });
}

/** Throws for what was asked for and cannot be had; returns what the profile says in vain. */
function checkPlaces(
  graph: ComfyGraph,
  name: string,
  values: Values,
  given: Values,
  batchSizeGiven: boolean,
): ComfyParameter[] {
  const wanted = { prompt: '', seed: 0, batch_size: 1 };
  const missing = injectParameters(graph, { ...values, ...wanted }).missing;
  const needed = injectParameters(graph, {
    ...given,
    prompt: '',
    ...(batchSizeGiven ? { batch_size: 1 } : {}),
  }).missing;
  if (needed.length === 0) return missing;
  const other = needed.includes('lora') ? ' --graph sdxl-sprite-lora has one for a LoRA.' : '';
  throw new SluiceError('USAGE', `${name} has no place for: ${needed.join(', ')}.`, {
    action: `Look at what it takes with: sluice comfy inspect; a node's title can say so.${other}`,
  });
}

/** What is the same for all items. The graph's own checkpoint is named, so that it is known what to keep loaded. */
function comfySpec(
  { gpuClass }: SpriteOptions,
  profile: NamedProfile,
  graph: ComfyGraph,
  { negative_prompt: negativePrompt, loras, ...values }: Values,
): Omit<ComfySpec, 'graph' | 'batchSize'> {
  const targets = findTargets(graph);
  const own = targets.find(({ parameter }) => parameter === 'checkpoint')?.value;
  const checkpoint = values.checkpoint ?? (typeof own === 'string' ? own : undefined);
  return {
    gpuClass: gpuClass ?? profile.hardware.gpu_class,
    prefix: profile.output.name,
    ...defined({ minVramGb: profile.hardware.min_vram_gb, negativePrompt }),
    values: defined({ ...values, checkpoint, loras: loras?.map((lora) => ({ ...lora })) }),
  };
}

/** Rows of the batch's input: pictures of one prompt, at most `size` of them. */
function itemRows(
  { prompts, count = 1, seeds }: SpriteOptions,
  { size, seed, prefix }: { size: number; seed: number; prefix: string },
): { id: string; prompt: string; seed: number; count: number }[] {
  if (seeds !== undefined) {
    return prompts.flatMap((prompt, place) =>
      seeds.map((own, n) => ({ id: itemId(prefix, place * seeds.length + n), prompt, seed: own, count: 1 })),
    );
  }
  return prompts.flatMap((prompt, place) =>
    Array.from({ length: Math.ceil(count / size) }, (_, share) => {
      const before = place * count + share * size;
      return {
        id: itemId(prefix, before),
        prompt,
        seed: (seed + before) % 2_147_483_648,
        count: Math.min(size, count - share * size),
      };
    }),
  );
}

/** @param before pictures before the item's first */
function itemId(prefix: string, before: number): string {
  return `${prefix}-${String(before + 1).padStart(4, '0')}`;
}
