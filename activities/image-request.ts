import { createHash } from 'node:crypto';
import { SluiceError } from '../domain/errors.ts';
import type { aspectRatios } from '../domain/item.ts';
import { promptWithNotes } from '../domain/review.ts';
import { roundSeed } from '../domain/round-seed.ts';
import { stepOptions } from '../domain/step-options.ts';
import type { Attempt } from './attempt.ts';
import { readStoredImage } from './source-image.ts';
import { readStepOptions } from './step-options.ts';

/** What an image is made from. */
export interface ImageStepRequest {
  prompt: string;
  negativePrompt?: string;
  seed: number;
  aspectRatio: (typeof aspectRatios)[number];
  fromImage?: string;
  /** Of an image that an earlier step made: its path says not whether it is still the same one. */
  fromImageSha256?: string;
}

/** Throws INVALID_INPUT. */
export async function readImageRequest(attempt: Attempt): Promise<ImageStepRequest> {
  const { item, input } = attempt;
  const asked = readStepOptions(attempt, stepOptions.image);
  const negativePrompt = asked.negative_prompt ?? item.negativePrompt;
  return {
    prompt: promptWithNotes(asked.prompt ?? item.prompt, item.again),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    seed: roundSeed(item.seed, input.round, item.again?.times),
    aspectRatio: asked.aspect_ratio ?? item.aspectRatio,
    ...(await readFromImage(attempt, asked.from_image ?? undefined)),
  };
}

/**
 * The image a step starts from: the one it names, else the row's.
 * @throws SluiceError INVALID_INPUT
 */
export async function readFromImage(
  { item, input, store }: Attempt,
  asked: string | undefined,
): Promise<Pick<ImageStepRequest, 'fromImage' | 'fromImageSha256'>> {
  const fromImage = asked ?? item.fromImage;
  // A template may say what a model said: that must not reach into the files of this machine.
  if (fromImage !== undefined && fromImage !== item.fromImage && !/^(https?:\/\/|images\/)/i.test(fromImage)) {
    const rule = 'must be an http(s) address, the path of an image that an earlier step made, or item.from_image';
    throw new SluiceError('INVALID_INPUT', `steps.${input.step.id}.with.from_image: ${rule}`);
  }
  const stored = fromImage === undefined ? null : await readStoredImage(store, fromImage);
  return {
    ...(fromImage === undefined ? {} : { fromImage }),
    ...(stored === null ? {} : { fromImageSha256: createHash('sha256').update(stored.data).digest('hex') }),
  };
}
