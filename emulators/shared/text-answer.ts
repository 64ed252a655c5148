import { example, prose, lengthAskedFor } from './prose.ts';
import { randomStream } from './random.ts';

/** What a language model is asked, whoever's it is. */
export interface TextAsked {
  model: string;
  /** All that was said, system text included. */
  prompt: string;
  seed: number | null;
  /** Longest answer, tokens. */
  maxTokens: number | null;
  /** JSON Schema of the answer, if one was asked for. */
  schema: unknown;
}

/** What the model says to it. */
export interface TextAnswer {
  text: string;
  end: 'complete' | 'cut_off' | 'refused';
  inputTokens: number;
  outputTokens: number;
}

/**
 * @param fault `empty`, `cut_off`, `refused` or `wrong_shape`; all others are none of the answer's
 * @param words of an answer that was not asked to have another length, as in "about 800 words"
 */
export function answerText(asked: TextAsked, fault: string | null, words: number): TextAnswer {
  const { model, prompt, seed, maxTokens, schema } = asked;
  const whole =
    schema === undefined
      ? prose(model, prompt, seed, lengthAskedFor(prompt) ?? { words, isMost: false })
      : JSON.stringify(fault === 'wrong_shape' ? {} : example(schema, randomStream('example', model, prompt, seed)));
  const tooLong = maxTokens !== null && tokensOf(whole) > maxTokens;
  const end = fault === 'refused' ? 'refused' : fault === 'cut_off' || tooLong ? 'cut_off' : 'complete';
  const text = {
    refused: 'I cannot help with that.',
    cut_off: whole.slice(0, Math.min(whole.length >> 1, (maxTokens ?? Infinity) * 4)),
    complete: fault === 'empty' ? '' : whole,
  }[end];
  return { text, end, inputTokens: tokensOf(prompt) + schemaTokens(schema), outputTokens: tokensOf(text) };
}

/** Vendors count a schema as a part of what is said. */
function schemaTokens(schema: unknown): number {
  return schema === undefined ? 0 : tokensOf(JSON.stringify(schema));
}

/** Tokens as vendors roughly count them for English. */
export function tokensOf(text: string): number {
  return Math.ceil(text.length / 4);
}
