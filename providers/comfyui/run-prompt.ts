import { setTimeout as sleep } from 'node:timers/promises';
import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import { SluiceError } from '../../domain/errors.ts';
import { ProviderError } from '../provider-error.ts';
import type { ComfyClient } from './client.ts';
import { collectOutputs, type CollectedOutput } from './collect.ts';
import { executionError } from './errors.ts';
import { lookInQueue, type ComfyFile, type ComfyLook } from './look.ts';
import { isPassing, patiently } from './patience.ts';

export interface RunPromptInput {
  client: ComfyClient;
  graph: ComfyGraph;
  /** Deterministic ids for the first and all further submissions of this graph: see `promptIdOf`. */
  promptId: (submission: number) => string;
  /** Where to begin, from an earlier attempt's heartbeat. @default 0 */
  submission?: number;
  extraData?: Record<string, unknown>;
  /**
   * Files that this graph and no other makes, if it is known what they will be called (SaveImage:
   * `<prefix>_00001_.png` and on). A restart forgets a prompt that had ended, but its files stay: with this
   * they are collected, and the prompt is not run again.
   */
  expectedFiles?: readonly ComfyFile[];
  /** Abort cancels our prompt, and no other; the reason is thrown. */
  signal: AbortSignal;
  /**
   * Whether an abort leaves the prompt on the server, for another worker to re-attach to.
   * @default never
   */
  keepOnAbort?: (reason: unknown) => boolean;
  /** At every look and every step; for heartbeats. */
  onProgress?: (progress: PromptProgress) => void;
  /** Between two looks, milliseconds; the WebSocket makes it look at once when the prompt ends. @default 1000 */
  pollMs?: number;
  /** How long the server may be out of reach before we give up, milliseconds. @default 60000 */
  patienceMs?: number;
}

export interface PromptProgress {
  promptId: string;
  /** Goes back in as `submission`. */
  submission: number;
  state: 'submitted' | 'pending' | 'running';
  /** While it waits: 0 is next. */
  position?: number;
  /** While it runs: steps of the node that runs. */
  step?: { node: string | null; value: number; max: number };
}

export interface RunPromptResult {
  promptId: string;
  submission: number;
  /** The prompt, or what it made, was there already: nothing was submitted. */
  reattached: boolean;
  outputs: CollectedOutput[];
  /** The server's clock, milliseconds since the epoch. */
  startedAt: number | null;
  endedAt: number | null;
}

/** Ids looked at for an earlier attempt's prompt, and submissions before we give up. */
const submissions = 5;

/**
 * Runs a graph exactly once, over kills of this process and restarts of the server: it looks for the prompt
 * of an earlier attempt first, waits for one that runs, collects one that is done, and submits only when
 * there is none. A prompt that was there and is lost is sent again under the next id.
 *
 * @throws ProviderError INVALID_INPUT, OUT_OF_MEMORY or EXECUTION_FAILED of the graph; UNAVAILABLE or TIMEOUT
 * when the server stays away, when somebody else interrupts the prompt or it is lost again and again;
 * NO_OUTPUT when it makes no file.
 */
export async function runPrompt(input: RunPromptInput): Promise<RunPromptResult> {
  const run = new PromptRunner(input);
  try {
    return await run.toEnd();
  } catch (error) {
    if (input.signal.aborted && input.keepOnAbort?.(input.signal.reason) !== true) await run.cancel();
    throw error;
  } finally {
    run.stopWatching();
  }
}

class PromptRunner {
  readonly #input: RunPromptInput;
  #submission: number;
  #known = false;
  #reattached = false;
  #stopWatching: (() => void) | undefined;
  #wake: (() => void) | undefined;

  constructor(input: RunPromptInput) {
    this.#input = input;
    this.#submission = input.submission ?? 0;
  }

  async toEnd(): Promise<RunPromptResult> {
    const { client, signal } = this.#input;
    const last = this.#submission + submissions;
    let look = await this.#findEarlier();
    this.#reattached = this.#known;
    for (; this.#submission < last;) {
      if (!this.#known) {
        const outputs = await this.#collectExpected();
        if (outputs !== null) return { ...this.#where(), reattached: true, outputs, startedAt: null, endedAt: null };
        await this.#submit();
      }
      look = look ?? (await this.#untilEnd());
      switch (look.state) {
        case 'succeeded': {
          const { outputs, startedAt, endedAt } = look;
          const collected = await this.#patiently(() => collectOutputs(client, outputs, { signal }));
          if (collected !== null) return { ...this.#where(), outputs: collected, startedAt, endedAt };
          // The server believes in files that are gone; it runs the graph only once it has forgotten that.
          await this.#patiently((signal) => client.free({ cache: true }, { signal }));
          break;
        }
        case 'failed':
          throw executionError(look);
        case 'interrupted':
          throw new ProviderError('UNAVAILABLE', `Somebody interrupted our prompt on ComfyUI at ${client.host}.`);
        case 'unknown':
        case 'pending':
        case 'running':
          break;
      }
      this.#next();
      look = undefined;
    }
    throw new ProviderError('UNAVAILABLE', `ComfyUI at ${client.host} lost our prompt again and again.`);
  }

  /** Cancels what may be on the server; a server that is away is left to itself. */
  async cancel(): Promise<void> {
    try {
      await this.#input.client.cancel(this.#promptId);
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
    }
  }

  stopWatching(): void {
    this.#stopWatching?.();
  }

  get #promptId(): string {
    return this.#input.promptId(this.#submission);
  }

  #where(): Pick<RunPromptResult, 'promptId' | 'submission' | 'reattached'> {
    return { promptId: this.#promptId, submission: this.#submission, reattached: this.#reattached };
  }

  #next(): void {
    this.#submission += 1;
    this.#known = false;
    this.#reattached = false;
  }

  /**
   * Goes to the prompt an earlier attempt left: one in the queue, else the latest that succeeded, else past
   * those that failed.
   *
   * @returns what is known of its end, if it has ended.
   */
  async #findEarlier(): Promise<ComfyLook | undefined> {
    const { client, promptId } = this.#input;
    const candidates = Array.from({ length: submissions }, (_, n) => this.#submission + n).reverse();
    const queue = await this.#patiently((signal) => client.queue({ signal }));
    const queued = candidates.find((submission) => lookInQueue(queue, promptId(submission)) !== undefined);
    if (queued !== undefined) {
      this.#submission = queued;
      this.#known = true;
      return undefined;
    }
    let past: number | undefined;
    for (const submission of candidates) {
      const look = await this.#patiently((signal) => client.lookBack(promptId(submission), { signal }));
      if (look.state === 'succeeded') {
        this.#submission = submission;
        this.#known = true;
        return look;
      }
      if (look.state !== 'unknown') past ??= submission + 1;
    }
    this.#submission = past ?? this.#submission;
    return undefined;
  }

  /** What a prompt the server has forgotten left behind; null unless all of it is there and whole. */
  async #collectExpected(): Promise<CollectedOutput[] | null> {
    const { client, expectedFiles = [], signal } = this.#input;
    if (expectedFiles.length === 0) return null;
    const outputs = expectedFiles.map((file) => ({ ...file, node: '', kind: 'images' }));
    return this.#patiently(() => collectOutputs(client, outputs, { signal }));
  }

  async #submit(): Promise<void> {
    const { client, signal, pollMs = 1_000, patienceMs = 60_000 } = this.#input;
    const promptId = this.#promptId;
    const deadline = Date.now() + patienceMs;
    this.#watch();
    for (;;) {
      const error = await this.#trySubmit();
      if (error === null) break;
      // It may have got there: what cannot be found now may be sent again under the same id.
      const look = await this.#patiently((signal) => client.look(promptId, { signal }));
      if (look.state !== 'unknown') break;
      if (Date.now() + pollMs > deadline) throw error;
      await sleep(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
    this.#known = true;
    signal.throwIfAborted();
    this.#tell('submitted');
  }

  /** Gives back what went wrong, where it may be different next time. */
  async #trySubmit(): Promise<SluiceError | null> {
    const { client, graph, extraData, signal } = this.#input;
    signal.throwIfAborted();
    try {
      // Not ended by an abort half way: what might still arrive could not be cancelled.
      await client.submit({ graph, promptId: this.#promptId, ...(extraData && { extraData }) });
      return null;
    } catch (error) {
      if (isPassing(error)) return error;
      throw error;
    }
  }

  /** Waits until the prompt is no longer in the queue. */
  async #untilEnd(): Promise<ComfyLook> {
    const { client, signal, pollMs = 1_000 } = this.#input;
    this.#watch();
    for (;;) {
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      const look = await this.#patiently((signal) => client.look(this.#promptId, { signal }));
      if (look.state === 'pending') this.#tell('pending', { position: look.position });
      else if (look.state === 'running') this.#tell('running');
      else return look;
      if (look.state === 'running' && look.duplicates > 0) {
        await this.#patiently((signal) => client.deletePending(this.#promptId, { signal }));
      }
      const timer = new AbortController();
      try {
        await Promise.race([woken, sleep(pollMs, undefined, { signal: AbortSignal.any([signal, timer.signal]) })]);
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        timer.abort();
      }
    }
  }

  #watch(): void {
    this.#stopWatching?.();
    this.#stopWatching = this.#input.client.watch(this.#promptId, (event) => {
      if (event.event === 'progress') this.#tell('running', { step: event });
      if (event.event === 'ended') this.#wake?.();
    });
  }

  #tell(state: PromptProgress['state'], more: Pick<PromptProgress, 'position' | 'step'> = {}): void {
    const { step, ...rest } = more;
    this.#input.onProgress?.({
      promptId: this.#promptId,
      submission: this.#submission,
      state,
      ...rest,
      ...(step && { step: { node: step.node, value: step.value, max: step.max } }),
    });
  }

  #patiently<Result>(call: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { client, signal, pollMs = 1_000, patienceMs = 60_000 } = this.#input;
    return patiently(call, { host: client.host, signal, pollMs, patienceMs });
  }
}
