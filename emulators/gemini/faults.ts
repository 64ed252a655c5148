import type { z } from 'zod';
import { callFaultsSchema, parseCallFaults } from '../shared/call-faults.ts';

/** What can go wrong with a call. */
export const faultNames = [
  /** STOP with a text part and no image. */
  'text_only',
  /** 429 of the minute, with and without RetryInfo. */
  'rate_limited',
  'rate_limited_no_retry_info',
  /** 429 of the day. */
  'quota_per_day',
  /** 500 INTERNAL. */
  'server_error',
  /** 503 UNAVAILABLE. */
  'unavailable',
  /** No reply, ever. */
  'hang',
  /** A good reply, `slow_ms` later. */
  'slow',
  /** The connection breaks in the middle of a good reply. */
  'cut',
  /** finishReason NO_IMAGE. */
  'no_image',
  /** finishReason IMAGE_SAFETY. */
  'safety',
  /** promptFeedback.blockReason PROHIBITED_CONTENT. */
  'prompt_blocked',
  /** 400 API_KEY_INVALID. */
  'bad_key',
  /** 200 with half of the JSON. */
  'malformed_json',
  /** 200 with an inlineData that is no PNG. */
  'damaged_image',
  /** Of language models: an answer without a word, one that ends at its greatest length, one of another shape. */
  'empty',
  'cut_off',
  'wrong_shape',
  /** Of video models: an operation that ends filtered, or failed. */
  'video_filtered',
  'video_failed',
] as const;
export type FaultName = (typeof faultNames)[number];

export const faultsSchema = callFaultsSchema(faultNames);

/**
 * Faults as the command line takes them, e.g. `text_only=0.1,unavailable=0.03,slow_ms=200`.
 *
 * @throws SluiceError USAGE that says what is wrong.
 */
export function parseFaults(text: string): z.output<typeof faultsSchema> {
  return parseCallFaults(faultsSchema, faultNames, text);
}
