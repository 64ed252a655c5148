import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { readFaultText } from './fault-text.ts';
import { randomStream } from './random.ts';

function isRegExp(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

/** Schema of the faults of an emulator whose calls can go wrong in these ways. */
export function callFaultsSchema<const Names extends readonly [string, ...string[]]>(names: Names) {
  const faultName = z.enum(names);
  return z.strictObject({
    /** Share (0–1) of calls each fault hits; together at most 1. */
    rates: z
      .partialRecord(faultName, z.number().min(0).max(1))
      .default({})
      .refine((rates) => sum(rates) <= 1 + 1e-9, 'the rates add up to more than 1'),
    /** Scripted faults; the first rule that matches and is not used up wins over the rates. */
    rules: z
      .array(
        z.strictObject({
          /** Regular expression over the prompt; empty: any prompt. */
          prompt: z.string().default('').refine(isRegExp, 'not a regular expression'),
          fault: faultName,
          /** Calls the rule hits in all; omitted: every one. */
          times: z.int().min(1).optional(),
        }),
      )
      .default([]),
    /** The delay that `rate_limited` asks for, milliseconds. */
    retry_delay_ms: z.int().min(0).default(1_000),
    /** What `slow` adds to the latency, milliseconds. */
    slow_ms: z.int().min(0).default(5_000),
  });
}

function sum(rates: object): number {
  return Object.values(rates as Record<string, number>).reduce((total, rate) => total + rate, 0);
}

/**
 * Faults as the command line takes them, e.g. `text_only=0.1,unavailable=0.03,slow_ms=200`.
 *
 * @throws SluiceError USAGE that says what is wrong.
 */
export function parseCallFaults<Schema extends z.ZodType>(
  schema: Schema,
  names: readonly string[],
  text: string,
): z.output<Schema> {
  const parsed = schema.safeParse(readFaultText(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`;
  throw new SluiceError('USAGE', `The faults are not right${where}: ${issue?.message}. Known: ${names.join(', ')}.`);
}

interface Call {
  model: string;
  prompt: string;
  seed: number | null;
}

/**
 * Decides the fault of each call. A draw depends on the emulator's seed, the call and how often this very
 * call came before, never on what runs beside it, so a run repeats under any concurrency.
 */
export class CallFaultPicker<Name extends string> {
  readonly #names: readonly Name[];
  readonly #rates: Partial<Record<Name, number>>;
  readonly #seed: number;
  readonly #timesSeen = new Map<string, number>();
  readonly #rules: { pattern: RegExp; fault: Name; left: number }[];

  constructor(
    names: readonly Name[],
    spec: {
      rates: Partial<Record<Name, number>>;
      rules: readonly { prompt: string; fault: Name; times?: number | undefined }[];
    },
    seed: number,
  ) {
    this.#names = names;
    this.#rates = spec.rates;
    this.#seed = seed;
    this.#rules = spec.rules.map(({ prompt, fault, times }) => ({
      pattern: new RegExp(prompt),
      fault,
      left: times ?? Infinity,
    }));
  }

  /** The fault of this call, and a number in [0, 1) for its latency. */
  pick({ model, prompt, seed }: Call): { fault: Name | null; jitter: number } {
    const key = JSON.stringify([model, prompt, seed]);
    const nth = this.#timesSeen.get(key) ?? 0;
    this.#timesSeen.set(key, nth + 1);
    const random = randomStream('fault', this.#seed, key, nth);
    let draw = random();
    const jitter = random();

    const rule = this.#rules.find(({ pattern, left }) => left > 0 && pattern.test(prompt));
    if (rule !== undefined) {
      rule.left -= 1;
      return { fault: rule.fault, jitter };
    }
    for (const fault of this.#names) {
      draw -= this.#rates[fault] ?? 0;
      if (draw < 0) return { fault, jitter };
    }
    return { fault: null, jitter };
  }
}
