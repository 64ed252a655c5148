import type { Limits } from './capacity.ts';

/** A key and its limits as one caller knows them. */
export interface LimitKey extends Limits {
  /** e.g. `model:gemini/gemini-2.5-flash-image` or `batch:<id>`. */
  key: string;
  /** Of the limits of this key; of two values that callers bring, the higher revision holds. @default 0 */
  revision?: number;
  /** Calls at once follow what the server bears: see `Permit.release`. @default false */
  adaptive?: boolean;
}

/**
 * The limits that hold now for the keys in use in this process. Calls of one batch may carry values
 * from before and after a change; the newest hold for all of them, so that none waits for a limit
 * that is gone. A key is forgotten once nothing waits or runs on it.
 */
export class LiveLimits {
  private readonly entries = new Map<string, { limits: LimitKey; users: number }>();

  enter(key: LimitKey): void {
    const entry = this.entries.get(key.key);
    if (entry === undefined) {
      this.entries.set(key.key, { limits: key, users: 1 });
      return;
    }
    entry.users += 1;
    this.set(key.key, { ...key, revision: key.revision ?? 0 });
  }

  leave(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    entry.users -= 1;
    if (entry.users <= 0) this.entries.delete(key);
  }

  /** A change without a revision is of the present one. */
  set(key: string, change: Omit<LimitKey, 'key'>): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    const { limits } = entry;
    const revision = change.revision ?? limits.revision ?? 0;
    if (revision >= (limits.revision ?? 0)) entry.limits = { ...limits, ...change, revision };
  }

  of(key: string): Omit<LimitKey, 'key'> {
    return this.entries.get(key)?.limits ?? {};
  }
}
