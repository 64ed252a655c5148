import { costUsd, expectedSeconds, expectedUsage, type CallSize, type Model } from './models.ts';

/** Calls of one model that are expected, and what they use. */
export interface CallsEstimate {
  calls: number;
  costUsd: number;
  /** Tokens of requests and answers. */
  tokens: number;
  images: number;
  /** How long the calls take, one after the other. */
  seconds: number;
}

/** A picture on a GPU, seconds. */
const pictureSeconds = 4;

/** One call of a model, as it is expected. */
export function callEstimate(model: Model, size: CallSize): CallsEstimate {
  const usage = expectedUsage(model, size);
  return {
    calls: 1,
    costUsd: costUsd(model, usage),
    tokens: usage.inputTokens + usage.outputTokens,
    images: usage.images,
    seconds: expectedSeconds(model, usage),
  };
}

/** Pictures on GPUs: they cost time, not money. */
export function gpuEstimate(pictures: number): CallsEstimate {
  return { calls: 1, costUsd: 0, tokens: 0, images: pictures, seconds: pictures * pictureSeconds };
}

export function gpuKey(gpuClass: string): string {
  return `gpu.${gpuClass}`;
}

/** Adds calls, so many times, to those there are. */
export function addCalls(sum: CallsEstimate | undefined, of: CallsEstimate, times = 1): CallsEstimate {
  const field = (name: keyof CallsEstimate): number => (sum?.[name] ?? 0) + times * of[name];
  return {
    calls: field('calls'),
    costUsd: field('costUsd'),
    tokens: field('tokens'),
    images: field('images'),
    seconds: field('seconds'),
  };
}
