import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { readFaultText } from '../shared/fault-text.ts';
import { randomStream } from '../shared/random.ts';

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
] as const;
const faultName = z.enum(faultNames);
export type FaultName = z.output<typeof faultName>;

function isRegExp(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

export const faultsSchema = z.strictObject({
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
  /** RetryInfo of `rate_limited`, milliseconds. */
  retry_delay_ms: z.int().min(0).default(1_000),
  /** What `slow` adds to the latency, milliseconds. */
  slow_ms: z.int().min(0).default(5_000),
});
type FaultSpec = z.output<typeof faultsSchema>;

function sum(rates: Partial<Record<FaultName, number>>): number {
  return Object.values(rates).reduce((total, rate) => total + rate, 0);
}

/**
 * Faults as the command line takes them, e.g. `text_only=0.1,unavailable=0.03,slow_ms=200`.
 *
 * @throws SluiceError USAGE that says what is wrong.
 */
export function parseFaults(text: string): FaultSpec {
  return checkFaults(readFaultText(text));
}

function checkFaults(value: unknown): FaultSpec {
  const parsed = faultsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` (${issue.path.join('.')})`;
  throw new SluiceError(
    'USAGE',
    `The faults are not right${where}: ${issue?.message}. Known: ${faultNames.join(', ')}.`,
  );
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
export class FaultPicker {
  readonly #spec: FaultSpec;
  readonly #seed: number;
  readonly #timesSeen = new Map<string, number>();
  readonly #rules: { pattern: RegExp; fault: FaultName; left: number }[];

  constructor(spec: FaultSpec, seed: number) {
    this.#spec = spec;
    this.#seed = seed;
    this.#rules = spec.rules.map(({ prompt, fault, times }) => ({
      pattern: new RegExp(prompt),
      fault,
      left: times ?? Infinity,
    }));
  }

  /** The fault of this call, and a number in [0, 1) for its latency. */
  pick({ model, prompt, seed }: Call): { fault: FaultName | null; jitter: number } {
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
    for (const fault of faultNames) {
      draw -= this.#spec.rates[fault] ?? 0;
      if (draw < 0) return { fault, jitter };
    }
    return { fault: null, jitter };
  }
}
