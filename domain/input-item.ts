import { toComfyWork } from './comfy-item.ts';
import { chooseModels } from './choose-models.ts';
import { pictureNames, type ComfySpec, type ComfyWork } from './comfy-work.ts';
import { estimateItem } from './estimate-item.ts';
import { stepsOf, type Flow } from './flow.ts';
import type { StagedItem } from './item.ts';
import type { InputRow } from './input-row.ts';
import { mediaModelOf } from './media-model.ts';
import { estimateUsd, type ModelsFile, resolveModel } from './models.ts';

/** SHA-256 of a text, lower-case hex. Handed in, because this folder does no cryptography of its own. */
export type Sha256 = (text: string) => string;

export interface ItemContext {
  /** Of flows that are more than one call with what the row says: the flow as the batch runs it. */
  flow?: Flow | undefined;
  /** Zero-based place among the valid rows. */
  index: number;
  /** Row of the source file. */
  rowNumber: number;
  id: string;
  /** Safe as a file name and unique in the batch. */
  name: string;
  models: ModelsFile;
  /** For rows that name no model; null: by the row's quality. */
  defaultModel: string | null;
  /** Of flows whose items ComfyUI servers make; `firstPicture` is the number of the item's first one. */
  comfy?: { spec: ComfySpec; firstPicture: number } | undefined;
  sha256: Sha256;
}

/** Id of an item whose row gives none: its one-based place among the records of the file. */
export function placeId(ordinal: number): string {
  return `item-${String(ordinal).padStart(6, '0')}`;
}

/**
 * SHA-256 over what determines an item's output. Two items with the same hash ask for the same image;
 * an item whose hash does not match was altered after it was staged.
 */
export function hashItem(item: Omit<StagedItem, 'hash'>, sha256: Sha256): string {
  return sha256(
    JSON.stringify([
      item.prompt,
      item.negativePrompt ?? null,
      item.seed,
      item.quality,
      item.aspectRatio,
      item.fromImage ?? null,
      item.model,
      ...(item.comfy === undefined ? [] : [item.comfy]),
      ...(item.models === undefined ? [] : [item.data ?? {}, item.models]),
    ]),
  );
}

/**
 * Makes the staged item of a row: defaults filled in, model resolved, seed derived from id and prompt
 * where the row gives none, so that a rerun repeats it.
 *
 * @returns a message that names the field and the rule when the row's model does not exist.
 */
export function toStagedItem(
  row: InputRow,
  context: ItemContext,
): { ok: true; item: StagedItem } | { ok: false; message: string } {
  const { models, sha256 } = context;
  if (context.flow !== undefined) return toFlowItem(row, context, context.flow);
  if (context.comfy !== undefined) return toComfyItem(row, context, context.comfy);
  const quality = row.quality ?? 'standard';
  const found = mediaModelOf(row, { models, defaultModel: context.defaultModel });
  if (!found.ok) return found;
  const { key: modelKey, model } = found;
  const isVideo = model.kind === 'video';
  const aspectRatio = row.aspect_ratio ?? (isVideo ? '16:9' : '1:1');
  if (isVideo && aspectRatio !== '16:9' && aspectRatio !== '9:16') {
    return { ok: false, message: `aspect_ratio: must be 16:9 or 9:16 for a video (got "${aspectRatio}")` };
  }
  const item: Omit<StagedItem, 'hash'> = {
    id: context.id,
    index: context.index,
    row: context.rowNumber,
    name: context.name,
    prompt: row.prompt,
    ...(row.negative_prompt === undefined ? {} : { negativePrompt: row.negative_prompt }),
    seed: row.seed ?? derivedSeed(context.id, row.prompt, sha256),
    quality,
    aspectRatio,
    ...(row.from_image === undefined ? {} : { fromImage: row.from_image }),
    model: modelKey,
    ...(isVideo ? { media: 'video' as const } : {}),
    provider: model.provider,
    ...(Object.keys(row.fields).length === 0 ? {} : { fields: row.fields }),
    estimateUsd: estimateUsd(model, { promptChars: row.prompt.length + (row.negative_prompt?.length ?? 0) }),
  };
  return { ok: true, item: { ...item, hash: hashItem(item, sha256) } };
}

function toComfyItem(
  row: InputRow,
  { id, index, rowNumber, name, sha256 }: ItemContext,
  { spec, firstPicture }: { spec: ComfySpec; firstPicture: number },
): { ok: true; item: StagedItem } | { ok: false; message: string } {
  if (row.media_type === 'video') {
    return { ok: false, message: 'media_type: sprites are images only (got "video")' };
  }
  const made = toComfyWork(row, spec, { first: firstPicture, ownPrefix: row.output_name === undefined ? null : name });
  if (!made.ok) return made;
  const { work } = made;
  const negativePrompt = row.negative_prompt ?? spec.negativePrompt;
  const { count: _count, ...fields } = row.fields;
  const item: Omit<StagedItem, 'hash'> = {
    id,
    index,
    row: rowNumber,
    name: pictureNames(work)[0] ?? name,
    prompt: row.prompt,
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    seed: row.seed ?? derivedSeed(id, row.prompt, sha256),
    quality: row.quality ?? 'standard',
    aspectRatio: row.aspect_ratio ?? '1:1',
    ...(row.from_image === undefined ? {} : { fromImage: row.from_image }),
    ...gpuModel(work),
    ...(Object.keys(fields).length === 0 ? {} : { fields }),
    estimateUsd: 0,
    comfy: work,
  };
  return { ok: true, item: { ...item, hash: hashItem(item, sha256) } };
}

/** An item of a flow of several steps, or of templates: the first model of each step is chosen here. */
function toFlowItem(
  row: InputRow,
  { id, index, rowNumber, name, models, defaultModel, comfy, sha256 }: ItemContext,
  flow: Flow,
): { ok: true; item: StagedItem } | { ok: false; message: string } {
  const quality = row.quality ?? 'standard';
  const onGpus = comfy === undefined ? null : toComfyWork(row, comfy.spec, { first: 1, ownPrefix: name });
  if (onGpus?.ok === false) return onGpus;
  // In a flow whose images ComfyUI servers make it is a checkpoint.
  const isCheckpoint = onGpus !== null && !stepsOf(flow).some(({ uses }) => uses === 'image');
  const rowModels = [
    ...(row.image_model === undefined || isCheckpoint ? [] : [{ column: 'image_model', name: row.image_model }]),
    ...(row.video_model === undefined ? [] : [{ column: 'video_model', name: row.video_model }]),
  ];
  const data = row.data ?? {};
  const choice = chooseModels(flow, { models, batchModel: defaultModel, rowModels, quality, index, data });
  if (!choice.ok) return choice;
  const chosen = Object.entries(choice.steps).map(([step, { key }]) => [step, key] as const);
  const first = firstModel(flow, choice.steps, models, onGpus?.work);
  const known = {
    id,
    index,
    row: rowNumber,
    name,
    prompt: row.prompt,
    ...(row.negative_prompt === undefined ? {} : { negativePrompt: row.negative_prompt }),
    seed: row.seed ?? derivedSeed(id, `${row.prompt}${row.data === undefined ? '' : JSON.stringify(data)}`, sha256),
    quality,
    aspectRatio: row.aspect_ratio ?? ('1:1' as const),
    ...(row.from_image === undefined ? {} : { fromImage: row.from_image }),
    ...first,
    models: Object.fromEntries(chosen),
    ...(onGpus === null ? {} : { comfy: onGpus.work }),
    ...(Object.keys(row.fields).length === 0 ? {} : { fields: row.fields }),
    ...(row.data === undefined ? {} : { data: row.data }),
  };
  const { costUsd: estimateUsd } = estimateItem(known, { flow, models });
  const item: Omit<StagedItem, 'hash'> = { ...known, estimateUsd };
  return { ok: true, item: { ...item, hash: hashItem(item, sha256) } };
}

/** What lists and progress call the item's model: that of the first step that calls one. */
function firstModel(
  flow: Flow,
  chosen: Readonly<Record<string, { key: string; model: { provider: string } }>>,
  models: ModelsFile,
  onGpus: ComfyWork | undefined,
): { model: string; provider: string } {
  for (const { id, uses, model } of stepsOf(flow)) {
    if (uses === 'comfy') return gpuModel(onGpus);
    const key = chosen[id]?.key ?? model?.models[0];
    const found = key === undefined ? undefined : resolveModel(models, key);
    if (found !== undefined) return { model: found.key, provider: found.model.provider };
  }
  return { model: '', provider: '' };
}

/** What an item is made by that ComfyUI servers make. */
function gpuModel(work: ComfyWork | undefined): { model: string; provider: string } {
  return { model: work?.values.checkpoint ?? 'as in the graph', provider: 'comfyui' };
}

/** Of a row that gives none, so that a rerun repeats it. */
function derivedSeed(id: string, prompt: string, sha256: Sha256): number {
  return Number.parseInt(sha256(`${id}\n${prompt}`).slice(0, 8), 16) >>> 1;
}
