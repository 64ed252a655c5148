import { heartbeat } from '@temporalio/activity';
import { z } from 'zod';
import type { Usage } from '../domain/result.ts';

const promptSchema = z.object({
  /** Name of the endpoint it was given to. */
  endpoint: z.string(),
  /** Which of the item's pictures it makes: from this one on (zero-based), so many. */
  offset: z.int(),
  count: z.int(),
  /** See `runPrompt`. */
  submission: z.int(),
  /** For who watches: steps of the node that runs. */
  step: z.object({ value: z.number(), max: z.number() }).nullable(),
});
/** A prompt that an attempt left on a GPU, and how far it was. */
export type PromptNote = z.output<typeof promptSchema>;

const attemptLogSchema = z.object({
  prompt: promptSchema.nullish(),
  /** Calls made to the provider. */
  calls: z.int(),
  /** Calls lost to the item's own failures: what `retry.maxAttempts` bounds. */
  faults: z.int(),
  /** Replies without an image so far; the provider changes its parameters with it. */
  emptyReplies: z.int(),
  /** When the item had its first turn at the provider's limits, milliseconds since the epoch. */
  firstTurnAtMs: z.number().optional(),
  usage: z.object({
    inputTokens: z.number(),
    outputTokens: z.number(),
    images: z.number(),
    videoSeconds: z.number().exactOptional(),
  }),
});

/** Calls made and what they cost. */
export type Spent = Pick<z.output<typeof attemptLogSchema>, 'calls' | 'usage'>;

/**
 * What the attempts at one item did so far. It travels in the heartbeat from one attempt to the next,
 * so that what a failed attempt cost is neither lost nor counted twice.
 */
export class AttemptLog {
  private readonly data: z.output<typeof attemptLogSchema>;

  constructor(heartbeatDetails: unknown) {
    this.data = attemptLogSchema.safeParse(heartbeatDetails).data ?? {
      calls: 0,
      faults: 0,
      emptyReplies: 0,
      usage: { inputTokens: 0, outputTokens: 0, images: 0 },
    };
  }

  get calls(): number {
    return this.data.calls;
  }

  get faults(): number {
    return this.data.faults;
  }

  get emptyReplies(): number {
    return this.data.emptyReplies;
  }

  get usage(): Usage {
    return this.data.usage;
  }

  get firstTurnAtMs(): number | undefined {
    return this.data.firstTurnAtMs;
  }

  called(): void {
    this.data.calls += 1;
    this.data.firstTurnAtMs ??= Date.now();
    this.beat();
  }

  /** Takes over what earlier activities of the step did; again it changes nothing. */
  resume(before: { calls: number; startedAtMs: number } | undefined): void {
    if (before === undefined || this.data.calls >= before.calls) return;
    this.data.calls = before.calls;
    this.data.firstTurnAtMs = before.startedAtMs;
    this.beat();
  }

  charged(usage: Usage | undefined): void {
    if (usage === undefined) return;
    this.data.usage.inputTokens += usage.inputTokens;
    this.data.usage.outputTokens += usage.outputTokens;
    this.data.usage.images += usage.images;
    if (usage.videoSeconds !== undefined) {
      this.data.usage.videoSeconds = (this.data.usage.videoSeconds ?? 0) + usage.videoSeconds;
    }
  }

  failed(kind: { countsAgainstItem: boolean; empty: boolean }): void {
    if (kind.countsAgainstItem) this.data.faults += 1;
    if (kind.empty) this.data.emptyReplies += 1;
    this.beat();
  }

  /** The prompt that an attempt has on a GPU; null once its pictures are stored, or it is given up. */
  get prompt(): PromptNote | null {
    return this.data.prompt ?? null;
  }

  set prompt(note: PromptNote | null) {
    this.data.prompt = note;
    this.beat();
  }

  /** Takes out what was spent: it will be counted with the result it paid for. */
  takeSpent(): Spent {
    const { calls, usage } = this.data;
    this.data.calls = 0;
    this.data.usage = { inputTokens: 0, outputTokens: 0, images: 0 };
    this.beat();
    return { calls, usage };
  }

  addSpent({ calls, usage }: Spent): void {
    this.data.calls += calls;
    this.charged(usage);
    this.beat();
  }

  beat(): void {
    heartbeat(this.data);
  }
}
