import { parseComfyGraph } from '../domain/comfy-graph.ts';
import { findTargets } from '../domain/comfy-targets.ts';
import { SluiceError } from '../domain/errors.ts';
import { artifactNames } from '../domain/item.ts';
import type { ResultRow } from '../domain/result.ts';
import type { StepRecord } from '../domain/step-record.ts';
import type { CollectedOutput } from '../providers/comfyui/collect.ts';
import type { GpuLease } from '../providers/gpu-pool/types.ts';
import { imageFile, writeArtifact, type MadeFile } from './artifact.ts';
import type { Attempt } from './attempt.ts';
import type { ComfyPrompt } from './comfy-prompt.ts';
import { readItem } from './read-page.ts';
import { storePaid } from './store-paid.ts';

/** One of an item's pictures. */
export interface Picture {
  /** Which of them, zero-based. */
  place: number;
  /** Of the prompt that made it. */
  seed: number;
  mimeType: string;
  data: Uint8Array;
  /** How it was made. */
  facts: NonNullable<StepRecord['facts']>;
}

interface MadePictures {
  lease: GpuLease;
  prompt: ComfyPrompt;
  /** Under which the server made them. */
  promptId: string;
  outputs: readonly CollectedOutput[];
  /** Which of them are to be stored: the others are there. */
  missing: readonly boolean[];
  patienceMs: number;
}

/**
 * Stores the pictures of a prompt that are missing, each with its sidecar; returns the item's row as it is
 * with them. Pictures are counted when they are stored: the next attempt collects them once more.
 */
export async function storePictures(
  attempt: Attempt,
  { missing, patienceMs, ...made }: MadePictures,
): Promise<{ row: ResultRow; pictures: Picture[] }> {
  const { log } = attempt;
  const pictures = picturesOf(attempt, made);
  const [first] = pictures;
  if (first === undefined) throw new SluiceError('NO_OUTPUT', 'The graph ran and made no picture.');
  const images = missing.filter(Boolean).length;
  log.charged({ inputTokens: 0, outputTokens: 0, images });
  const row = attempt.succeeded(fileOf(attempt, first).path);
  const toStore = pictures.filter((_, n) => missing[n] === true);
  await writePictures(attempt, toStore, { row, patienceMs }).catch((error: unknown) => {
    log.charged({ inputTokens: 0, outputTokens: 0, images: -images });
    throw error;
  });
  return { row, pictures };
}

/** Stores pictures that another batch made; returns the item's row, which says where they are from. */
export async function storeReused(
  attempt: Attempt,
  pictures: readonly Picture[],
  { source, patienceMs }: { source: string; patienceMs: number },
): Promise<ResultRow> {
  const [first] = pictures;
  const path = first === undefined ? null : fileOf(attempt, first).path;
  const row = { ...attempt.succeeded(path), cached_from: source };
  await writePictures(attempt, pictures, { row, patienceMs });
  return row;
}

function picturesOf(
  { item }: Attempt,
  { prompt, promptId, outputs, lease }: Omit<MadePictures, 'missing' | 'patienceMs'>,
): Picture[] {
  return outputs.map(({ mimeType, data, filename }, n) => ({
    ...{ place: prompt.offset + n, seed: prompt.seed, mimeType, data },
    facts: {
      endpoint: lease.endpoint.name,
      gpu: lease.device.name,
      prompt_id: promptId,
      batch_size: prompt.count,
      batch_index: n,
      server_file: filename,
      settings: (item.comfy?.values ?? {}) as Picture['facts'],
      graph: prompt.graph as Picture['facts'],
    },
  }));
}

async function writePictures(
  attempt: Attempt,
  pictures: readonly Picture[],
  { row, patienceMs }: { row: ResultRow; patienceMs: number },
): Promise<void> {
  const { input, item, store } = attempt;
  const cached = row.cached_from === undefined ? {} : { cached_from: row.cached_from };
  await storePaid(patienceMs, async () => {
    // A directory that was moved away is not made anew elsewhere.
    await readItem(store, input.ref);
    for (const picture of pictures) {
      const { seed, facts } = picture;
      const own = { ...item, name: nameOf(attempt, picture), seed };
      const more = { batch_id: input.batchId, mode: input.mode, ...saidByGraph(facts), ...facts, ...cached };
      await writeArtifact(store, own, fileOf(attempt, picture), row, more);
    }
  });
}

/** What the row leaves to the graph. */
function saidByGraph({ graph }: Picture['facts']): { negative_prompt: string | null; aspect_ratio: null } {
  const targets = findTargets(parseComfyGraph(graph));
  const negative = targets.find(({ parameter }) => parameter === 'negative_prompt')?.value;
  return { negative_prompt: typeof negative === 'string' ? negative : null, aspect_ratio: null };
}

function fileOf(attempt: Attempt, picture: Picture): MadeFile {
  return imageFile(`${nameOf(attempt, picture)}_${String(picture.seed)}`, picture);
}

function nameOf({ item }: Attempt, { place }: Picture): string {
  return artifactNames(item)[place] ?? item.name;
}
