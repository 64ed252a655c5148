import type { Model } from '../domain/models.ts';
import { roundSeed } from '../domain/round-seed.ts';
import { promptWithNotes } from '../domain/review.ts';
import { stepOptions } from '../domain/step-options.ts';
import { defaultMaxOutputTokens, type TextRequest } from '../providers/text-provider.ts';
import type { Attempt } from './attempt.ts';
import { readStepOptions } from './step-options.ts';

/** What a text is written from. */
export interface TextStepRequest {
  prompt: string;
  system?: string;
  temperature?: number;
  maxOutputTokens?: number;
  seed: number;
  schema?: Record<string, unknown>;
}

/** Throws INVALID_INPUT. */
export function readTextRequest(attempt: Attempt): TextStepRequest {
  const { item, input } = attempt;
  const { prompt, system, temperature, max_output_tokens, schema } = readStepOptions(attempt, stepOptions.text);
  return {
    prompt: promptWithNotes(prompt, item.again),
    ...(system ? { system } : {}),
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof max_output_tokens === 'number' ? { maxOutputTokens: max_output_tokens } : {}),
    seed: roundSeed(item.seed, input.round, item.again?.times),
    ...(schema ? { schema } : {}),
  };
}

/** Tokens the answer will probably have: what the flow says of it, or its bound. */
export function expectedAnswer(attempt: Attempt): { outputTokens?: number } {
  const { expected_tokens: expected, max_output_tokens: most } = readStepOptions(attempt, stepOptions.text);
  const outputTokens = expected ?? most;
  return typeof outputTokens === 'number' ? { outputTokens: Math.ceil(outputTokens) } : {};
}

/** A prime, so that the seeds of neighbouring items and of their rounds do not meet. */
const seedStride = 7_368_787;

/**
 * The call for a text. After an answer that was none (empty, cut off, not of the schema) it is changed, because
 * the same call tends to fail again: first seed and temperature, and where the flow sets no bound a longer
 * answer; from the second time on the wording, too. The same way in every rerun.
 *
 * @param emptyReplies earlier calls that came back without an answer
 */
export function textCall(
  { prompt, system, temperature, maxOutputTokens, seed, schema }: TextStepRequest,
  model: Extract<Model, { kind: 'text' }> & { key: string },
  emptyReplies: number,
): TextRequest {
  const longest = Math.min(maxOutputTokens ?? defaultMaxOutputTokens * 2 ** emptyReplies, model.max_output_tokens);
  return {
    model: model.name ?? model.key,
    ...(system === undefined ? {} : { system }),
    messages: [{ role: 'user', text: emptyReplies < 2 ? prompt : `${prompt}\n\n${reminder(schema, longest)}` }],
    ...(temperature === undefined ? {} : { temperature: changed(temperature, emptyReplies) }),
    maxOutputTokens: longest,
    seed: (seed + emptyReplies * seedStride) % 2 ** 31,
    ...(schema === undefined ? {} : { schema }),
  };
}

function reminder(schema: TextStepRequest['schema'], longest: number): string {
  if (schema !== undefined) return 'Answer with one JSON object that matches the schema exactly, and nothing else.';
  return `Answer with the complete text itself, in at most ${String(Math.floor(longest / 2))} words.`;
}

/** Warmer, but for what is warm already. */
function changed(temperature: number, emptyReplies: number): number {
  if (emptyReplies === 0) return temperature;
  return Number((temperature <= 0.7 ? temperature + 0.3 : temperature - 0.3).toFixed(2));
}
