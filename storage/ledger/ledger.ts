import { randomUUID } from 'node:crypto';
import {
  capsOf,
  changeBudgets,
  covers,
  mayStillFit,
  type BatchBudget,
  type Budgets,
  type BudgetsChange,
  type Cap,
  type Shortage,
} from '../../domain/budgets.ts';
import { utcDay } from '../../domain/utc-day.ts';
import type { CostQuery, Costs } from '../../domain/costs.ts';
import type { ProviderMode } from '../../domain/ids.ts';
import type { Usage } from '../../domain/result.ts';
import { readCosts } from './costs.ts';
import { LedgerLog, renewMs, type CallAccount, type Spending } from './ledger-log.ts';

/** Money that is kept for one call. None of its methods throws. */
export interface Reservation {
  /** What the call cost, also one that failed. Told again, it changes nothing. */
  settle: (spent: { costUsd: number; usage: Usage }) => void;
}

/** `wait`: calls under way may leave enough. `stop`: they cannot. */
type Verdict = { verdict: 'go'; reservation: Reservation } | { verdict: 'wait' | 'stop'; shortage: Shortage };

/** How a cap stands. */
export interface BudgetStanding extends Cap {
  spentUsd: number;
  reservedUsd: number;
}

interface LedgerOptions {
  /** SQLite file, shared by all processes of the machine. `:memory:` for one alone. */
  path: string;
  /** Milliseconds since the epoch. @default the time of day */
  now?: () => number;
}

/**
 * What was spent, by day, project, batch and model, and the budgets it must not exceed. An index over the
 * results of all batches, from which it can be written anew: storage stays the record.
 *
 * @throws SluiceError STORAGE_FULL, STORAGE_DENIED, STORAGE_ERROR, from every method but where it is said
 */
export class Ledger {
  private readonly log: LedgerLog;
  private readonly now: () => number;
  /** Settlements that could not be written yet. */
  private readonly unwritten = new Set<(nowMs: number) => void>();
  private open = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor({ path, now = Date.now }: LedgerOptions) {
    this.now = now;
    this.log = new LedgerLog(path, randomUUID(), now);
  }

  /**
   * Keeps money for a call that is to be made now, if every budget covers it besides what is spent and under way.
   *
   * @param id of the call, over all batches and attempts; one that was reserved before is not counted again
   * @param batchBudget as the caller was told; a newer one that anybody was told holds instead
   */
  reserve(id: string, account: CallAccount, expectedUsd: number, batchBudget?: BatchBudget): Verdict {
    const verdict = this.settleAnd((nowMs): Verdict => {
      const day = utcDay(nowMs);
      const ofAll = capsOf(this.log.budgets).filter(({ project }) => project === null || project === account.project);
      const short = [...this.capOfBatch(account, batchBudget), ...ofAll]
        .map((cap) => ({ ...this.standingOf(account.mode, cap, day), expectedUsd }))
        .filter((shortage) => !covers(shortage));
      const [first] = short;
      if (first !== undefined) {
        const shortage = short.find((one) => !mayStillFit(one)) ?? first;
        return { verdict: mayStillFit(shortage) ? 'wait' : 'stop', shortage };
      }
      this.log.reserve(id, account, day, Math.ceil(expectedUsd * 1e6), nowMs);
      return { verdict: 'go', reservation: this.reservation(id, account, day) };
    });
    if (verdict.verdict === 'go') this.keepAlive();
    return verdict;
  }

  /** Tells all workers what a batch may cost from the next call on. */
  setBatchBudget(batch: string, budget: BatchBudget): void {
    this.log.transaction(() => this.log.followBatchBudget(batch, budget));
  }

  /** To be called when a batch has ended: what it was told then is of no use. */
  forgetBatchBudget(batch: string): void {
    this.log.transaction(() => {
      this.log.forgetBatchBudget(batch);
    });
  }

  get budgets(): Budgets {
    return this.log.transaction(() => this.log.budgets);
  }

  /** Changes budgets for all calls from the next one on; returns all of them. */
  changeBudgets(change: BudgetsChange): Budgets {
    return this.log.transaction(() => (this.log.budgets = changeBudgets(this.log.budgets, change)));
  }

  /**
   * Takes over budgets from a configuration if that has changed since it was last seen: what was set by hand
   * holds until then.
   */
  followConfiguration(budgets: Budgets | undefined): void {
    const text = JSON.stringify(budgets ?? null);
    this.log.transaction(() => {
      const before = this.log.setting('configured');
      if (before === text || (before === null && budgets === undefined)) return;
      this.log.set('configured', text);
      this.log.budgets = budgets ?? { projects: {} };
    });
  }

  /** How each cap stands, of a mode's own money. */
  standings(mode: ProviderMode): BudgetStanding[] {
    return this.log.transaction((nowMs) =>
      capsOf(this.log.budgets).map((cap) => this.standingOf(mode, cap, utcDay(nowMs))),
    );
  }

  costs(query: CostQuery): Costs {
    return this.settleAnd(() => readCosts(this.log.db, query));
  }

  /** Puts what a batch's results tell in place of what is written of it; what is presumed stays. */
  replaceBatch(batch: string, spendings: readonly Spending[]): void {
    this.log.transaction(() => {
      const { db } = this.log;
      db.run('DELETE FROM spend WHERE batch = ? AND presumed_micro_usd = 0', batch);
      db.run(
        `UPDATE spend SET micro_usd = presumed_micro_usd, calls = 0, input_tokens = 0, output_tokens = 0, images = 0
           WHERE batch = ?`,
        batch,
      );
      for (const spending of spendings) this.log.add(spending);
    });
  }

  /** What calls of this process that are still under way cost is then presumed. Does not throw. */
  close(): void {
    clearInterval(this.timer);
    if (!this.log.db.isOpen) return;
    try {
      this.settleAnd(() => {
        this.log.abandon();
      });
    } catch {
      // Its leases run out by themselves, with the same outcome.
    } finally {
      this.log.db.close();
    }
  }

  private capOfBatch({ batch }: CallAccount, budget: BatchBudget | undefined): Cap[] {
    const microUsd = budget === undefined ? null : this.log.followBatchBudget(batch, budget);
    return microUsd === null ? [] : [{ batch, project: null, period: 'total', limitUsd: microUsd / 1e6 }];
  }

  private standingOf(mode: ProviderMode, cap: Cap, day: string): BudgetStanding {
    const { spent, reserved } = this.log.standing(mode, cap, day);
    return { ...cap, spentUsd: spent / 1e6, reservedUsd: reserved / 1e6 };
  }

  private reservation(id: string, account: CallAccount, day: string): Reservation {
    this.open += 1;
    let settled = false;
    return {
      settle: ({ costUsd, usage }) => {
        if (settled) return;
        settled = true;
        this.open -= 1;
        const spent = { usage, microUsd: Math.round(costUsd * 1e6) };
        this.unwritten.add((nowMs) => {
          this.log.settle(id, account, day, spent, nowMs);
        });
        this.tryToWrite();
      },
    };
  }

  /** What cannot be written now, because the disk is full, say, is written with the next change or renewal. */
  private tryToWrite(): void {
    if (!this.log.db.isOpen) return;
    try {
      this.settleAnd(() => undefined);
    } catch {
      this.keepAlive();
    }
  }

  /** A transaction that writes what is unwritten first. */
  private settleAnd<T>(work: (nowMs: number) => T): T {
    const result = this.log.transaction((nowMs) => {
      for (const write of this.unwritten) write(nowMs);
      return work(nowMs);
    });
    this.unwritten.clear();
    return result;
  }

  private keepAlive(): void {
    this.timer ??= setInterval(() => {
      this.tryToWrite();
      if (this.open > 0 || this.unwritten.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    }, renewMs).unref();
  }
}
