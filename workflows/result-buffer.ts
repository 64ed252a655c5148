import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { WriteResultsInput } from '../activities/types.ts';
import type { BatchState } from '../domain/batch.ts';
import type { ResultRow } from '../domain/result.ts';
import { writeResults } from './core-activities.ts';

/** A part is written when it has this many rows, or when its oldest row is this old. */
const rowsPerPart = 200;
const maxAgeMs = 5_000;

/**
 * Collects result rows and writes them in numbered parts. Writing is idempotent (a part's number and
 * rows never change), and rows leave the state only after their part is stored: a storage that fails
 * costs a pause, not a row.
 */
export class ResultBuffer {
  private timer: CancellationScope | null = null;
  private writing: Promise<boolean> | null = null;
  private due = false;

  private readonly state: BatchState;
  private readonly describe: () => Omit<WriteResultsInput, 'part' | 'rows'>;
  private readonly onChange: () => void;
  private readonly onError: (error: unknown) => void;

  constructor(options: {
    state: BatchState;
    describe: () => Omit<WriteResultsInput, 'part' | 'rows'>;
    onChange: () => void;
    onError: (error: unknown) => void;
  }) {
    this.state = options.state;
    this.describe = options.describe;
    this.onChange = options.onChange;
    this.onError = options.onError;
    this.due = this.state.buffer.length > 0;
  }

  add(row: ResultRow): void {
    this.state.buffer.push(row);
    if (this.state.buffer.length >= rowsPerPart) this.due = true;
    else if (this.timer === null && !this.due) this.startTimer();
  }

  /** Starts writing if a part is due and none is being written. */
  writeIfDue(): void {
    if (this.due && this.writing === null && this.state.buffer.length > 0) void this.write();
  }

  /** Writes everything collected so far; false when storage refused it. */
  async flush(): Promise<boolean> {
    for (;;) {
      if (this.writing !== null) {
        if (!(await this.writing)) return false;
      } else if (this.state.buffer.length === 0) {
        return true;
      } else if (!(await this.write())) {
        return false;
      }
    }
  }

  /** Waits for a write under way and stops the timer, so that the run can end. */
  async settle(): Promise<void> {
    this.timer?.cancel();
    await this.writing;
  }

  private write(): Promise<boolean> {
    this.timer?.cancel();
    this.due = false;
    const rows = this.state.buffer.slice(0, rowsPerPart);
    const part = this.state.nextPart;
    this.writing = CancellationScope.nonCancellable(() => writeResults({ ...this.describe(), part, rows }))
      .then(() => {
        this.state.buffer.splice(0, rows.length);
        this.state.nextPart = part + 1;
        this.state.flushedRows += rows.length;
        if (this.state.buffer.length >= rowsPerPart) this.due = true;
        else if (this.state.buffer.length > 0) this.startTimer();
        return true;
      })
      .catch((error: unknown) => {
        this.due = true;
        this.onError(error);
        return false;
      })
      .finally(() => {
        this.writing = null;
        this.onChange();
      });
    return this.writing;
  }

  private startTimer(): void {
    if (this.timer !== null) return;
    const scope = new CancellationScope({ cancellable: true });
    this.timer = scope;
    void scope
      .run(() => sleep(maxAgeMs, { summary: 'Write results' }))
      .then(() => {
        this.due = true;
        this.onChange();
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      })
      .finally(() => {
        if (this.timer === scope) this.timer = null;
      });
  }
}
