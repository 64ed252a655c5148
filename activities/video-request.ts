import { defined } from '../domain/defined.ts';
import { promptWithNotes } from '../domain/review.ts';
import { roundSeed } from '../domain/round-seed.ts';
import { stepOptions } from '../domain/step-options.ts';
import type { Attempt } from './attempt.ts';
import { readFromImage } from './image-request.ts';
import { readStepOptions } from './step-options.ts';

/** What a video is made from. */
export interface VideoStepRequest {
  prompt: string;
  negativePrompt?: string;
  seed: number;
  /** Left out: the model's own. */
  aspectRatio?: '16:9' | '9:16';
  seconds?: number;
  resolution?: string;
  /** The image it begins with. */
  fromImage?: string;
  fromImageSha256?: string;
}

/** Throws INVALID_INPUT. */
export async function readVideoRequest(attempt: Attempt): Promise<VideoStepRequest> {
  const { item, input } = attempt;
  // A row that is a video stands in a flow of images.
  const asked = attempt.scope === null ? {} : readStepOptions(attempt, stepOptions.video);
  const negativePrompt = asked.negative_prompt ?? item.negativePrompt;
  const upright = item.aspectRatio === '9:16' || item.aspectRatio === '16:9' ? item.aspectRatio : undefined;
  const aspectRatio = asked.aspect_ratio ?? upright;
  return {
    prompt: promptWithNotes(asked.prompt ?? item.prompt, item.again),
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    seed: roundSeed(item.seed, input.round, item.again?.times),
    ...defined({ aspectRatio, seconds: asked.seconds ?? undefined, resolution: asked.resolution ?? undefined }),
    ...(await readFromImage(attempt, asked.from_image ?? undefined)),
  };
}
