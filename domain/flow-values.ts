import { z } from 'zod';
import type { Column } from './flow.ts';

/** What columns and parameters can hold. */
export const columnTypes = ['text', 'number', 'boolean', 'json', 'path'] as const satisfies Column['type'][];

export const parameterSchema = z.strictObject({
  type: z.enum(columnTypes).default('text'),
  default: z.json().optional().describe('Left out: every batch has to give it'),
  description: z.string().min(1).max(2_000).optional().describe('For people'),
});
export type Parameter = z.output<typeof parameterSchema>;

export type JsonValue = z.infer<ReturnType<typeof z.json>>;
export type ReadValue = { ok: true; value: JsonValue } | { ok: false; rule: string };

const booleans = new Map([
  ['true', true],
  ['yes', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['0', false],
]);

/** Longest text a column may hold: a chapter, not a library. */
const maxTextChars = 500_000;

/**
 * Reads a value as its type says: from the text of a CSV cell or a command line as well as from JSON.
 *
 * @returns the rule it breaks, for a person
 */
export function readValue(type: Column['type'], given: unknown): ReadValue {
  const refuse = (rule: string): ReadValue => ({ ok: false, rule: `${rule} ${got(given)}` });
  switch (type) {
    case 'text':
    case 'path': {
      if (typeof given === 'object' && given !== null) return refuse('must be text');
      const text = typeof given === 'string' ? given : JSON.stringify(given);
      return text.length > maxTextChars
        ? { ok: false, rule: `must be at most ${maxTextChars} characters (got ${text.length})` }
        : { ok: true, value: text };
    }
    case 'number': {
      const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
      return typeof number === 'number' && Number.isFinite(number)
        ? { ok: true, value: number }
        : refuse('must be a number');
    }
    case 'boolean': {
      const known = typeof given === 'boolean' ? given : booleans.get(String(given).trim().toLowerCase());
      return known === undefined ? refuse('must be true or false') : { ok: true, value: known };
    }
    case 'json': {
      if (typeof given !== 'string') return { ok: true, value: given as JsonValue };
      try {
        return { ok: true, value: JSON.parse(given) as JsonValue };
      } catch {
        return refuse('must be JSON');
      }
    }
  }
}

function got(given: unknown): string {
  const text = typeof given === 'string' ? given : JSON.stringify(given);
  return `(got "${text.length > 60 ? `${text.slice(0, 60)}…` : text}")`;
}
