import { z } from 'zod';
import { randomStream } from '../shared/random.ts';

const words =
  'the river kept its own time and nobody in town asked why a lantern moved behind every window before rain came'.split(
    ' ',
  );

/** Prose that depends on what was asked and nothing else, marked as emulated. @param length words */
export function prose(model: string, prompt: string, seed: number | null, length: number): string {
  const random = randomStream('prose', model, prompt, seed);
  const sentence = (): string => {
    const size = 6 + Math.floor(random() * 9);
    const text = Array.from({ length: size }, () => words[Math.floor(random() * words.length)] ?? '').join(' ');
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
  };
  const sentences: string[] = [`[emulated ${model}]`];
  for (let count = 2; count < length; count += sentences.at(-1)?.split(' ').length ?? 1) sentences.push(sentence());
  return sentences.join(' ');
}

const shape = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  minItems: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
});

/** A value that a JSON Schema describes, as far as types, bounds and enums go. */
export function example(schema: unknown, random: () => number): unknown {
  const parsed = shape.safeParse(schema);
  if (!parsed.success) return null;
  const { type, enum: choices, properties = {}, items, minItems = 1, minimum, maximum, minLength = 0 } = parsed.data;
  if (parsed.data.const !== undefined) return parsed.data.const;
  if (choices !== undefined) return choices[Math.floor(random() * choices.length)];
  switch (Array.isArray(type) ? type[0] : type) {
    case 'object':
      return Object.fromEntries(Object.entries(properties).map(([name, of]) => [name, example(of, random)]));
    case 'array':
      return Array.from({ length: Math.max(minItems, 1) }, () => example(items, random));
    case 'integer':
    case 'number': {
      const low = minimum ?? 0;
      return low + Math.floor(random() * ((maximum ?? low + 10) - low + 1));
    }
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    default:
      return `emulated ${words[Math.floor(random() * words.length)] ?? ''}`.padEnd(minLength, '.');
  }
}
