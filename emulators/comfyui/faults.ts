import { z } from 'zod';
import { parseCallFaults } from '../shared/call-faults.ts';
import { randomStream } from '../shared/random.ts';

/** What can go wrong with a request, whatever it asks for. */
const requestFaults = [
  /** The reply comes `slow_ms` later. */
  'slow',
  /** The connection breaks in the middle of the reply; what was asked for is done. */
  'cut',
  /** 500 in plain text; nothing is done. */
  'server_error',
  /** No reply, ever; nothing is done. */
  'hang',
] as const;

/** What can go wrong with a prompt while it runs. */
const promptFaults = [
  /** The first node that samples or makes a picture raises RuntimeError. */
  'execution_error',
  /** It runs out of memory. */
  'oom',
] as const;

const faultNames = [...requestFaults, ...promptFaults] as const;
export type RequestFault = (typeof requestFaults)[number];
export type PromptFault = (typeof promptFaults)[number];
const faultName = z.enum(faultNames);

export const faultsSchema = z.strictObject({
  /** Share (0–1) of requests, or of prompts, that each fault hits. */
  rates: z.partialRecord(faultName, z.number().min(0).max(1)).default({}),
  /** Scripted faults; the first rule that matches and is not used up wins over the rates. */
  rules: z
    .array(
      z.strictObject({
        /** Regular expression over `METHOD /path` of a request, or over a prompt's graph as JSON. */
        match: z.string().default(''),
        fault: faultName,
        /** How often the rule hits in all; omitted: always. */
        times: z.int().min(1).optional(),
      }),
    )
    .default([]),
  /** What `slow` adds, milliseconds. */
  slow_ms: z.int().min(0).default(2_000),
});
export type FaultSpec = z.output<typeof faultsSchema>;

/**
 * Faults as the command line takes them, e.g. `cut=0.1,oom=0.02,slow_ms=500`.
 *
 * @throws SluiceError USAGE that says what is wrong.
 */
export function parseComfyFaults(text: string): FaultSpec {
  return parseCallFaults(faultsSchema, faultNames, text);
}

/**
 * Decides the fault of each request and each prompt. A draw depends on the seed, on what is asked and on
 * how often it was asked before, never on what runs beside it.
 */
export class FaultPicker {
  readonly #spec: FaultSpec;
  readonly #seed: number;
  readonly #timesSeen = new Map<string, number>();
  readonly #rules: { pattern: RegExp; fault: string; left: number }[];

  constructor(spec: FaultSpec, seed: number) {
    this.#spec = spec;
    this.#seed = seed;
    this.#rules = spec.rules.map(({ match, fault, times }) => ({
      pattern: new RegExp(match),
      fault,
      left: times ?? Infinity,
    }));
  }

  get slowMs(): number {
    return this.#spec.slow_ms;
  }

  /** @param route `METHOD /path`. */
  ofRequest(route: string): RequestFault | null {
    return this.#pick(route, requestFaults);
  }

  /** @param graph as JSON. */
  ofPrompt(graph: string): PromptFault | null {
    return this.#pick(graph, promptFaults);
  }

  #pick<Name extends string>(key: string, names: readonly Name[]): Name | null {
    for (const rule of this.#rules) {
      const fault = names.find((name) => name === rule.fault);
      if (fault === undefined || rule.left <= 0 || !rule.pattern.test(key)) continue;
      rule.left -= 1;
      return fault;
    }
    const rates: Partial<Record<string, number>> = this.#spec.rates;
    const rated = names.filter((name) => (rates[name] ?? 0) > 0);
    if (rated.length === 0) return null;
    const nth = this.#timesSeen.get(key) ?? 0;
    this.#timesSeen.set(key, nth + 1);
    let draw = randomStream('fault', this.#seed, key, nth)();
    for (const name of rated) {
      draw -= rates[name] ?? 0;
      if (draw < 0) return name;
    }
    return null;
  }
}
