import type { Step } from './flow.ts';

/** What is assumed of a step that has not run yet. */
export interface StandIn {
  /** Whether checks, and flags in answers, are taken to hold. */
  passed: boolean;
  /** 0 outside of a loop. */
  round: number;
  /** Length of the answer of a language model, tokens. @default 1000 */
  outputTokens?: number;
}

const charsPerToken = 4;
const words = 'and so it went on, as such stories do; ';

/** A record that a step may leave, for estimates: of the right shape and about the right length. */
export function standInRecord(
  { id, uses }: Pick<Step, 'id' | 'uses'>,
  options: Readonly<Record<string, unknown>>,
  { passed, round, outputTokens = 1_000 }: StandIn,
): Record<string, unknown> {
  const record = { step: id, round, model: '', path: `${id}/file`, calls: 1, cost_usd: 0, seconds: 1 };
  switch (uses) {
    case 'text': {
      const text = fill(outputTokens * charsPerToken);
      const schema = options['schema'];
      if (typeof schema !== 'object' || schema === null) return { ...record, text };
      const json = example(schema, passed, fill(outputTokens));
      return { ...record, text: JSON.stringify(json), json };
    }
    case 'check':
      return { ...record, passed, failures: passed ? [] : [fill(80)] };
    case 'approve': {
      const text = typeof options['text'] === 'string' ? options['text'] : '';
      return { ...record, passed, text, answer: { answer: passed ? 'approve' : 'reject', note: fill(80), text } };
    }
    case 'http':
      return { ...record, answer: { status: 200, body: {} } };
    default:
      return record;
  }
}

function fill(chars: number): string {
  return words.repeat(Math.ceil(chars / words.length)).slice(0, Math.ceil(chars));
}

/** A value of a JSON Schema, as far as types go; texts share the length of the whole. */
function example(schema: unknown, flag: boolean, text: string): unknown {
  if (typeof schema !== 'object' || schema === null) return text.slice(0, 40);
  const { type, properties, items, enum: choices, minimum } = schema as Record<string, unknown>;
  if (Array.isArray(choices)) return choices[0];
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(properties ?? {}).map(([name, inner]) => [name, example(inner, flag, text)]),
      );
    case 'array':
      return [1, 2, 3].map(() => example(items, flag, text));
    case 'boolean':
      return flag;
    case 'number':
    case 'integer':
      return typeof minimum === 'number' ? minimum : 5;
    default:
      return text.slice(0, 200);
  }
}
