import type { Attempt, StepItem } from './attempt.ts';
import type { ImageStepRequest } from './image-request.ts';

/** The item with what the step asks for in place of what the row says. */
export function mediaItem(
  step: Attempt,
  request: Pick<ImageStepRequest, 'prompt' | 'negativePrompt' | 'seed' | 'fromImage'> & {
    aspectRatio?: ImageStepRequest['aspectRatio'];
  },
): StepItem {
  const { comfy: _comfy, negativePrompt: _negative, fromImage: own, localSource, ...item } = step.item;
  const { negativePrompt, fromImage, prompt, seed, aspectRatio = item.aspectRatio } = request;
  const { model } = step.input;
  return {
    ...item,
    ...{ prompt, seed, aspectRatio },
    ...(negativePrompt === undefined ? {} : { negativePrompt }),
    ...(fromImage === undefined ? {} : { fromImage }),
    // What a template says instead of the row is nobody's word.
    ...(localSource === true && fromImage === own ? { localSource } : {}),
    ...(model === undefined ? {} : { model: model.key, provider: model.provider }),
    name: step.fileName({ eachRound: true }),
  };
}
