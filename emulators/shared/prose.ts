import { z } from 'zod';
import { randomStream } from './random.ts';

const words =
  'the river kept its own time and nobody in town asked why a lantern moved behind every window before rain came'.split(
    ' ',
  );
const paragraphSentences = 5;

/** Length of a text. */
interface Length {
  words: number;
  /** The most it may be: the text is shorter, or, as models do at times, a little longer. */
  isMost: boolean;
}

/** Prose that depends on what was asked and nothing else, marked as emulated. */
export function prose(model: string, prompt: string, seed: number | null, { words: asked, isMost }: Length): string {
  const random = randomStream('prose', model, prompt, seed);
  const length = isMost ? Math.round(asked * (0.5 + 0.7 * random())) : asked;
  const sentence = (most: number): string => {
    const size = Math.min(6 + Math.floor(random() * 9), isMost ? most : Infinity);
    const text = Array.from({ length: size }, () => words[Math.floor(random() * words.length)] ?? '').join(' ');
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  };
  const paragraphs: string[] = [];
  let written = 2;
  while (written < length || paragraphs.length === 0) {
    const sentences = paragraphs.length === 0 ? [`[emulated ${model}]`] : [];
    while (sentences.length < paragraphSentences && (written < length || sentences.length === 0)) {
      const next = sentence(length - written);
      written += next.split(' ').length;
      sentences.push(next);
    }
    paragraphs.push(sentences.join(' '));
  }
  return paragraphs.join('\n\n');
}

const mostWords = 5_000;

/** Length that a text asks for, as in "about 800 words" or "at most 12 words". */
export function lengthAskedFor(text: string): Length | null {
  const [, most, words] = /\b(at most |up to |no more than )?(\d{2,5})[ -]words?\b/i.exec(text) ?? [];
  return words === undefined ? null : { words: Math.min(Number(words), mostWords), isMost: most !== undefined };
}

const shape = z.looseObject({
  description: z.string().optional(),
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).min(1).optional(),
  const: z.unknown().optional(),
  anyOf: z.array(z.unknown()).min(1).optional(),
  oneOf: z.array(z.unknown()).min(1).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  minItems: z.coerce.number().optional(),
  maxItems: z.coerce.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.coerce.number().optional(),
  maxLength: z.coerce.number().optional(),
});

/** Deeper than any schema that does not refer to itself. */
const maxDepth = 12;

/** A value that a JSON Schema describes, as far as types, bounds, choices and references go. */
export function example(schema: unknown, random: () => number, root: unknown = schema, depth = 0): unknown {
  const parsed = shape.safeParse(schema);
  if (!parsed.success || depth > maxDepth) return null;
  const { enum: choices, $ref, anyOf, oneOf, type, ...rules } = parsed.data;
  const inner = (of: unknown): unknown => example(of, random, root, depth + 1);
  if ($ref !== undefined) return inner(referred(root, $ref));
  if (rules.const !== undefined) return rules.const;
  if (choices !== undefined) return choices[Math.floor(random() * choices.length)];
  const [first] = anyOf ?? oneOf ?? [];
  if (first !== undefined) return inner(first);
  // Gemini's own schemas write types in capitals.
  switch ((Array.isArray(type) ? type[0] : type)?.toLowerCase()) {
    case 'object':
      return Object.fromEntries(Object.entries(rules.properties ?? {}).map(([name, of]) => [name, inner(of)]));
    case 'array': {
      const { minItems = 2, maxItems = Infinity, items } = rules;
      return Array.from({ length: Math.min(Math.max(minItems, 1), maxItems) }, () => inner(items));
    }
    case 'integer':
    case 'number': {
      const { minimum: low = 0, maximum: high = low + 10 } = rules;
      return low + Math.floor(random() * (high - low + 1));
    }
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    default: {
      const { minLength = 0, maxLength = Infinity, description = '' } = rules;
      const length = (lengthAskedFor(description)?.words ?? 7) - 1;
      const text = `emulated ${Array.from({ length }, () => words[Math.floor(random() * words.length)] ?? '').join(' ')}`;
      return text.padEnd(minLength, '.').slice(0, maxLength);
    }
  }
}

/** What a reference inside the same schema points at. */
function referred(root: unknown, ref: string): unknown {
  let at: unknown = root;
  for (const step of ref.replace(/^#\/?/, '').split('/')) {
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined;
  }
  return at;
}
