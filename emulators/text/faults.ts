import type { z } from 'zod';
import { callFaultsSchema, parseCallFaults } from '../shared/call-faults.ts';

/** What can go wrong with a call. */
export const textFaultNames = [
  /** 429 of the minute, with and without the header that says when. */
  'rate_limited',
  'rate_limited_no_header',
  /** No quota or credit left. */
  'quota',
  /** 500. */
  'server_error',
  /** 503 of OpenAI, 529 of Anthropic. */
  'overloaded',
  /** The key is refused. */
  'bad_key',
  /** No reply, ever. */
  'hang',
  /** A good reply, `slow_ms` later. */
  'slow',
  /** The connection breaks in the middle of a good reply. */
  'cut',
  /** 200 with half of the JSON. */
  'malformed_json',
  /** An answer without a word. */
  'empty',
  /** An answer that ends at its greatest length. */
  'cut_off',
  /** The model refuses. */
  'refused',
  /** An answer that does not match the schema; free text is not touched. */
  'wrong_shape',
] as const;
export type TextFault = (typeof textFaultNames)[number];

export const textFaultsSchema = callFaultsSchema(textFaultNames);

/**
 * Faults as the command line takes them, e.g. `rate_limited=0.05,empty=0.01`.
 *
 * @throws SluiceError USAGE that says what is wrong.
 */
export function parseTextFaults(text: string): z.output<typeof textFaultsSchema> {
  return parseCallFaults(textFaultsSchema, textFaultNames, text);
}
