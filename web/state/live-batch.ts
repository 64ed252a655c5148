import { useEffect, useState } from 'preact/hooks';
import type { ResultRow } from '../../domain/result.ts';
import { changes } from '../api/changes.ts';
import { batchApi } from '../api/paths.ts';
import type { BatchDetail, ProgressEvent } from '../api/replies.ts';
import { ApiError, getJson } from '../api/request.ts';
import { readLines } from '../api/read-lines.ts';
import { isOpen } from './batch-state.ts';
import { createStore, useStore } from './store.ts';

/** One batch as it is now: what it says of itself, and the last result of each of its items. */
export interface LiveBatch {
  detail: BatchDetail | null;
  /** In the order the items ended. */
  rows: readonly ResultRow[];
  /** Whether all results there were have been read. */
  loaded: boolean;
  error: unknown;
}

/** Rows are kept in memory; beyond this the latest ones are. */
const maxRows = 50_000;
/** The page is drawn again at most this often, milliseconds. */
const redrawMs = 250;
/** How soon a batch that does not run, or does not answer, is asked again, milliseconds. */
const againMs = 3_000;

/** Follows a batch for as long as the component is there. */
export function useLiveBatch(batchId: string): LiveBatch {
  const [store] = useState(() => createStore<LiveBatch>({ detail: null, rows: [], loaded: false, error: null }));
  useEffect(() => {
    const follower = new BatchFollower(batchId, (live) => {
      store.set(live);
    });
    return () => {
      follower.stop();
    };
  }, [batchId, store]);
  return useStore(store);
}

/**
 * Listens first and reads what there is then, so that no result falls in between; what came meanwhile is added
 * afterwards.
 */
class BatchFollower {
  readonly #address: string;
  readonly #tell: (live: LiveBatch) => void;
  readonly #left = new AbortController();
  readonly #rows = new Map<string, ResultRow>();
  readonly #live: LiveBatch = { detail: null, rows: [], loaded: false, error: null };
  /** Results that came before all earlier ones were read; null once they are. */
  #early: ResultRow[] | null = [];
  #rowsChanged = false;
  #events: EventSource | null = null;
  #redraw: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(batchId: string, tell: (live: LiveBatch) => void) {
    this.#address = batchApi(batchId);
    this.#tell = tell;
    changes.addEventListener('change', () => void this.#look(), { signal: this.#left.signal });
    void this.#look();
  }

  stop(): void {
    this.#left.abort();
    clearTimeout(this.#redraw);
    clearTimeout(this.#again);
    this.#events?.close();
  }

  async #look(): Promise<void> {
    try {
      const detail = await getJson<BatchDetail>(this.#address, this.#left.signal);
      // Another run of it may have begun and ended since it was last looked at.
      if (this.#live.detail !== null && this.#live.detail.started_at !== detail.started_at) this.#early ??= [];
      this.#live.detail = detail;
      this.#live.error = null;
      this.#drawSoon();
      const open = isOpen(detail);
      if (open && this.#events === null) this.#listen();
      if (this.#early !== null) await this.#readResults();
      // A batch that is over may be run again from elsewhere.
      if (!open) this.#lookAgain();
    } catch (error) {
      if (this.#left.signal.aborted) return;
      this.#live.error = error;
      this.#drawSoon();
      if (!(error instanceof ApiError && error.status === 404)) this.#lookAgain();
    }
  }

  #lookAgain(): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => void this.#look(), againMs);
  }

  async #readResults(): Promise<void> {
    for await (const line of readLines(`${this.#address}/results`, this.#left.signal)) {
      this.#add(JSON.parse(line) as ResultRow);
    }
    for (const row of this.#early ?? []) this.#add(row);
    this.#early = null;
    this.#live.loaded = true;
    this.#drawSoon();
  }

  #listen(): void {
    const events = new EventSource(`${this.#address}/events`);
    this.#events = events;
    let numbered = false;
    let opened = false;
    events.addEventListener('open', () => {
      // Without a number to go on from, what came while the connection was down is missing.
      if (opened && !numbered) this.#early = [];
      if (opened) void this.#look();
      opened = true;
    });
    events.addEventListener('progress', (event: MessageEvent<string>) => {
      const progress = JSON.parse(event.data) as ProgressEvent;
      if (this.#live.detail !== null) this.#live.detail = { ...this.#live.detail, ...progress };
      this.#drawSoon();
    });
    events.addEventListener('result', (event: MessageEvent<string>) => {
      numbered = true;
      const row = JSON.parse(event.data) as ResultRow;
      if (this.#early === null) this.#add(row);
      else this.#early.push(row);
      this.#drawSoon();
    });
    events.addEventListener('end', () => {
      events.close();
      this.#events = null;
      void this.#look();
    });
  }

  #add(row: ResultRow): void {
    // An item that was run again moves to the end, where the new ones are.
    this.#rows.delete(row.request_id);
    this.#rows.set(row.request_id, row);
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > maxRows && oldest !== undefined) this.#rows.delete(oldest);
    this.#rowsChanged = true;
  }

  #drawSoon(): void {
    this.#redraw ??= setTimeout(() => {
      this.#redraw = undefined;
      if (this.#rowsChanged) this.#live.rows = [...this.#rows.values()];
      this.#rowsChanged = false;
      this.#tell({ ...this.#live });
    }, redrawMs);
  }
}
