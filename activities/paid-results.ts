import type { Spent } from './attempt-log.ts';

/** A result that is paid for and could not be stored, and what it took. */
interface PaidResult<Result> {
  result: Result;
  spent: Spent;
}

/** Of results of some megabytes each. */
const most = 200;

/**
 * Results that storage refused, kept in the worker's memory until their item is tried again: so the batch
 * can pause and say why, and still pays for nothing twice. They end with the worker.
 */
export class PaidResults<Result> {
  private readonly kept = new Map<string, PaidResult<Result>>();

  keep(key: string, result: PaidResult<Result>): void {
    this.kept.set(key, result);
    // The oldest goes: a batch that was cancelled never comes for its own.
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= most) return;
      this.kept.delete(oldest);
    }
  }

  /** Hands a result out; it is the caller's then, to store or to keep again. */
  take(key: string): PaidResult<Result> | undefined {
    const result = this.kept.get(key);
    this.kept.delete(key);
    return result;
  }
}
