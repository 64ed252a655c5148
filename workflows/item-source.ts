import type { BatchState } from '../domain/batch.ts';
import type { ItemRef } from '../domain/item.ts';
import { readPage } from './core-activities.ts';

/** Pages held in memory ahead of the window. */
const pagesAhead = 2;

/**
 * The items still to start, in order: first those given back (`requeued`), then the rows of the
 * segments, read a part at a time before they are needed, so that the window never waits for storage.
 */
export class ItemSource {
  private readonly pages: ItemRef[][] = [];
  private reading: Promise<void> | null = null;
  /** Place of the next part to read: ahead of the state's cursor by what is in `pages`. */
  private readSegment: number;
  private readPart: number;
  private skipRows: number;

  private readonly state: BatchState;
  private readonly storeUri: string;
  private readonly onChange: () => void;
  private readonly onError: (error: unknown) => void;

  constructor(options: {
    state: BatchState;
    storeUri: string;
    onChange: () => void;
    onError: (error: unknown) => void;
  }) {
    this.state = options.state;
    this.storeUri = options.storeUri;
    this.onChange = options.onChange;
    this.onError = options.onError;
    this.toOpenSegment();
    this.readSegment = this.state.segmentIndex;
    const rows = this.state.segments[this.readSegment]?.rowsPerPart ?? 1;
    this.readPart = Math.floor(this.state.cursor / rows);
    this.skipRows = this.state.cursor % rows;
  }

  /** Items not started yet, read or not. */
  get remaining(): number {
    const { segments, segmentIndex, cursor, requeued } = this.state;
    const later = segments.slice(segmentIndex + 1).reduce((sum, segment) => sum + segment.total, 0);
    const here = Math.max(0, (segments[segmentIndex]?.total ?? 0) - cursor);
    return requeued.length + here + later;
  }

  peek(): ItemRef | undefined {
    return this.state.requeued[0] ?? this.pages[0]?.[0];
  }

  take(): ItemRef | undefined {
    const again = this.state.requeued.shift();
    if (again !== undefined) return again;
    const page = this.pages[0];
    const next = page?.shift();
    if (page?.length === 0) this.pages.shift();
    if (next !== undefined) {
      this.toOpenSegment();
      this.state.cursor += 1;
    }
    return next;
  }

  /** Starts reading the next part unless enough is read, all is read, or a read is under way. */
  prefetch(): void {
    if (this.reading !== null || this.pages.length >= pagesAhead) return;
    const segment = this.state.segments[this.readSegment];
    if (segment === undefined) return;
    if (this.readPart * segment.rowsPerPart >= segment.total) {
      this.readSegment += 1;
      this.readPart = 0;
      this.prefetch();
      return;
    }
    const part = this.readPart;
    this.reading = readPage({ storeUri: this.storeUri, segment, part })
      .then((refs) => {
        this.readPart = part + 1;
        const page = refs.slice(this.skipRows);
        this.skipRows = 0;
        if (page.length > 0) this.pages.push(page);
      })
      .catch(this.onError)
      .finally(() => {
        this.reading = null;
        this.onChange();
      });
  }

  /** Resolves when no read is under way. */
  async settle(): Promise<void> {
    await this.reading;
  }

  /** Moves the cursor past segments that are used up; a redrive may have added one since. */
  private toOpenSegment(): void {
    const { state } = this;
    while (
      state.segmentIndex + 1 < state.segments.length &&
      state.cursor >= (state.segments[state.segmentIndex]?.total ?? 0)
    ) {
      state.segmentIndex += 1;
      state.cursor = 0;
    }
  }
}
