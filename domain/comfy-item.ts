import type { ComfySpec, ComfyWork } from './comfy-work.ts';
import { mostPictures } from './comfy-work.ts';
import type { InputRow } from './input-row.ts';

/** Sizes SDXL was trained on, width × height. @see https://arxiv.org/abs/2307.01952 (appendix I) */
const sizes: Record<NonNullable<InputRow['aspect_ratio']>, [width: number, height: number]> = {
  '1:1': [1024, 1024],
  '16:9': [1344, 768],
  '9:16': [768, 1344],
  '4:3': [1152, 896],
  '3:4': [896, 1152],
};

/**
 * What a row asks of a ComfyUI server. A column `count` says how many pictures, `model` another checkpoint,
 * `aspect_ratio` another size than the batch's.
 *
 * @param first number of its first picture, where the row has no output name of its own
 * @returns a message that names the field and the rule when the row cannot be done
 */
export function toComfyWork(
  row: InputRow,
  { gpuClass: _class, negativePrompt: _negative, ...spec }: ComfySpec,
  place: { first: number; ownPrefix: string | null },
): { ok: true; work: ComfyWork } | { ok: false; message: string } {
  const asked = row.fields['count'];
  const count = asked === undefined ? 1 : Number(asked);
  if (!Number.isInteger(count) || count < 1 || count > mostPictures) {
    const rule = `must be a whole number from 1 to ${String(mostPictures)}`;
    return { ok: false, message: `count: ${rule} (got "${asked ?? ''}")` };
  }
  const size = row.aspect_ratio === undefined ? undefined : sizes[row.aspect_ratio];
  return {
    ok: true,
    work: {
      ...spec,
      values: {
        ...spec.values,
        ...(size === undefined ? {} : { width: size[0], height: size[1] }),
        ...(row.image_model === undefined ? {} : { checkpoint: row.image_model }),
      },
      ...(place.ownPrefix === null ? { first: place.first } : { prefix: place.ownPrefix, first: 1 }),
      count,
    },
  };
}
