import type { Sluice } from '../../client/sluice.ts';
import type { SequencedRow } from '../../client/watch.ts';
import type { BatchProgress } from '../../domain/batch.ts';
import { toLimitsReply } from '../batches/schemas.ts';
import { eventText } from './event-text.ts';

/** How often the batch is asked, however many listen, milliseconds. */
const askEveryMs = 500;
/** Results kept at hand for those who come; older ones are in the parts. */
const mostKept = 2_000;

/** Somebody who listens. */
export interface Listener {
  /** Takes the text of one or several events. */
  send(text: string): void;
  /** The batch has closed, or cannot be followed. */
  end(): void;
}

/**
 * Follows one batch for all who listen: it is asked once, and each event is made into text once. Ends with the
 * last listener.
 */
export class BatchFeed {
  readonly #sluice: Sluice;
  readonly #batchId: string;
  readonly #onEnd: () => void;
  readonly #listeners = new Set<Listener>();
  readonly #stop = new AbortController();
  readonly #started = Promise.withResolvers<undefined>();
  readonly #kept: { sequence: number; text: string }[] = [];
  /** Number of the first result that is kept, or will be. */
  #from = 0;
  #progress: string | null = null;
  /** Events that the listeners have not been sent yet. */
  readonly #untold: string[] = [];

  constructor(sluice: Sluice, batchId: string, onEnd: () => void) {
    this.#sluice = sluice;
    this.#batchId = batchId;
    this.#onEnd = onEnd;
    // Whoever listens waits for it, too.
    this.#started.promise.catch(() => undefined);
    void this.#run();
  }

  /**
   * Sends what was missed, then what comes.
   * @param from number of the first result wanted; null: those from now on
   * @returns what ends it
   */
  async listen(listener: Listener, from: number | null): Promise<() => void> {
    await this.#started.promise;
    if (from !== null) await this.#sendStored(listener, from);
    // From here on nothing is waited for, so no result can come in between, or be sent twice.
    this.#sendUntold();
    const missed = from === null ? [] : this.#kept.filter(({ sequence }) => sequence >= from);
    if (this.#progress !== null) listener.send(this.#progress);
    if (missed.length > 0) listener.send(missed.map(({ text }) => text).join(''));
    if (this.#stop.signal.aborted) listener.end();
    else this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop.abort();
    };
  }

  async #sendStored(listener: Listener, from: number): Promise<void> {
    for (let next = from; next < this.#from;) {
      const until = this.#from;
      for await (const row of this.#sluice.storedRows(this.#batchId, next, until)) listener.send(resultEvent(row));
      next = until;
    }
  }

  async #run(): Promise<void> {
    try {
      const { recentFrom } = await this.#sluice.progress(this.#batchId, 0);
      this.#from = recentFrom;
      const rows = this.#sluice.follow(this.#batchId, {
        fromRow: recentFrom,
        intervalMs: askEveryMs,
        signal: this.#stop.signal,
        onProgress: (progress) => {
          this.#tellProgress(progress);
          this.#started.resolve(undefined);
        },
      });
      for await (const row of rows) this.#tellResult(row);
      this.#tell(eventText({ event: 'end', data: { batch_id: this.#batchId } }));
    } catch (error) {
      this.#started.reject(error);
    } finally {
      this.#started.resolve(undefined);
      this.#stop.abort();
      this.#onEnd();
      this.#sendUntold();
      for (const listener of this.#listeners) listener.end();
      this.#listeners.clear();
    }
  }

  #tellProgress(progress: BatchProgress): void {
    const text = eventText({ event: 'progress', data: progressData(progress) });
    if (text === this.#progress) return;
    this.#progress = text;
    this.#tell(text);
  }

  #tellResult(row: SequencedRow): void {
    const text = resultEvent(row);
    this.#kept.push({ sequence: row.sequence, text });
    if (this.#kept.length > mostKept) {
      this.#kept.splice(0, mostKept / 2);
      this.#from = this.#kept[0]?.sequence ?? this.#from;
    }
    this.#tell(text);
  }

  /** What comes with one answer of the batch is sent at once: a write for each listener, not for each event. */
  #tell(text: string): void {
    if (this.#untold.push(text) === 1) setImmediate(this.#sendUntold);
  }

  readonly #sendUntold = (): void => {
    const text = this.#untold.splice(0).join('');
    for (const listener of this.#listeners) if (text !== '') listener.send(text);
  };
}

export function resultEvent({ row, sequence }: SequencedRow): string {
  return eventText({ event: 'result', id: sequence, data: { ...row, sequence } });
}

function progressData(progress: BatchProgress) {
  const { batchId, status, counts, costUsd, pause, limits, window, notices, running, startedAtMs } = progress;
  return {
    batch_id: batchId,
    status,
    ...counts,
    cost_usd: costUsd,
    started_at: new Date(startedAtMs).toISOString(),
    pause,
    limits: toLimitsReply(limits),
    failure_window: window,
    notices,
    running_items: running.map(({ itemId, label, model, seed, startedAtMs: itemStartedAtMs }) => ({
      item_id: itemId,
      label,
      model,
      seed,
      started_at: new Date(itemStartedAtMs).toISOString(),
    })),
  };
}
