import type { InputRow } from './input-row.ts';
import { modelKeys, resolveModel, type Model, type ModelsFile } from './models.ts';

type MediaModel = Extract<Model, { kind: 'image' | 'video' }>;

/**
 * The model that makes a row's image or video: the row's own, else the batch's if it makes what the row wants,
 * else by the row's quality. A row that does not say what it wants gets what its model makes.
 *
 * @returns a message that names the field and the rule when there is none
 */
export function mediaModelOf(
  row: Pick<InputRow, 'media_type' | 'image_model' | 'video_model' | 'quality'>,
  { models, defaultModel }: { models: ModelsFile; defaultModel: string | null },
): { ok: true; key: string; model: MediaModel } | { ok: false; message: string } {
  const kindOf = (name: string | null | undefined) => resolveModel(models, name ?? '')?.model.kind;
  const usual = row.image_model ?? defaultModel;
  const media = row.media_type ?? (kindOf(usual) === 'video' ? 'video' : 'image');
  const quality = row.quality ?? 'standard';
  const choices =
    media === 'image'
      ? [row.image_model, defaultModel, models.quality[quality]]
      : // `model` is a name of the column image_model, too.
        [
          row.video_model,
          kindOf(row.image_model) === 'video' ? row.image_model : null,
          defaultModel,
          models.video_quality?.[quality],
        ];
  const own = choices[0] ?? null;
  const named =
    own ?? choices.find((name) => kindOf(name) === media) ?? choices.find((name) => typeof name === 'string') ?? '';
  const found = resolveModel(models, named);
  if (found?.model.kind === media) return { ok: true, key: found.key, model: found.model };
  const known = modelKeys(models, media).join(', ');
  return { ok: false, message: `${media}_model: must be one of ${known} (got "${named}")` };
}
