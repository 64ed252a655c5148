import { budgetsSchema, noBudgets, type BatchBudget, type Budgets, type Cap } from '../../domain/budgets.ts';
import type { ProviderMode } from '../../domain/ids.ts';
import type { Usage } from '../../domain/result.ts';
import { figure, LocalDatabase } from '../sqlite/local-database.ts';
import { schema } from './schema.ts';

/** Whose money a call is. */
export interface CallAccount {
  mode: ProviderMode;
  project: string;
  batch: string;
  /** Key of models.yaml. */
  model: string;
}

/** What was spent on an account in a day. */
export interface Spending extends CallAccount {
  day: string;
  calls: number;
  usage: Usage;
  microUsd: number;
  presumedMicroUsd: number;
}

/** How long a reservation outlives its worker. Long enough for one that hangs for a while. */
const leaseMs = 30_000;
export const renewMs = 5_000;
/** How long a settled call is remembered by its id, and a presumed one. */
const settledMs = 3_600_000;
const presumedMs = 7 * 86_400_000;

const nothingUsed: Usage = { inputTokens: 0, outputTokens: 0, images: 0 };

/**
 * The ledger's tables, shared by all processes that open the file. All methods but `transaction` are to be
 * called inside of a transaction.
 */
export class LedgerLog {
  readonly db: LocalDatabase;
  private readonly now: () => number;
  private readonly owner: string;
  private renewedMs = 0;
  private parsed: { text: string; budgets: Budgets } | null = null;

  constructor(path: string, owner: string, now: () => number) {
    this.owner = owner;
    this.now = now;
    const mend = 'Stop the engine, move it away, then write it anew from the results: sluice costs --rebuild';
    this.db = new LocalDatabase({ what: 'The cost ledger', mend, path }, schema);
  }

  transaction<T>(work: (nowMs: number) => T): T {
    return this.db.transaction(() => {
      const nowMs = this.now();
      // First of all: this process is alive, however long its event loop was busy.
      if (nowMs < this.renewedMs || nowMs >= this.renewedMs + renewMs) {
        this.db.run(`UPDATE calls SET at_ms = ? WHERE owner = ? AND state = 'reserved'`, nowMs, this.owner);
        this.renewedMs = nowMs;
      }
      this.presumeSpent(nowMs - leaseMs);
      this.db.run(`DELETE FROM calls WHERE state = 'settled' AND at_ms <= ?`, nowMs - settledMs);
      this.db.run(`DELETE FROM calls WHERE state = 'presumed' AND at_ms <= ?`, nowMs - presumedMs);
      return work(nowMs);
    });
  }

  /** Reserves; false where the id is known already. */
  reserve(id: string, account: CallAccount, day: string, microUsd: number, nowMs: number): boolean {
    const { mode, project, batch, model } = account;
    if (this.db.get('SELECT 1 FROM calls WHERE id = ?', id) !== undefined) return false;
    this.db.run(
      `INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, 'reserved', ?, ?, ?)`,
      ...[id, mode, project, batch, model, day, microUsd, this.owner, nowMs],
    );
    return true;
  }

  /** Puts what a call cost in place of what was reserved or presumed for it. Told again, it changes nothing. */
  settle(
    id: string,
    account: CallAccount,
    day: string,
    spent: { usage: Usage; microUsd: number },
    nowMs: number,
  ): void {
    const row = this.db.get('SELECT state, micro_usd FROM calls WHERE id = ?', id);
    if (row?.['state'] === 'settled') return;
    const presumed = row?.['state'] === 'presumed' ? figure(row['micro_usd']) : null;
    this.add({
      ...account,
      day,
      calls: presumed === null ? 1 : 0,
      usage: spent.usage,
      microUsd: spent.microUsd - (presumed ?? 0),
      presumedMicroUsd: -(presumed ?? 0),
    });
    const { mode, project, batch, model } = account;
    this.db.run(
      `INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, 'settled', ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = 'settled', micro_usd = excluded.micro_usd, at_ms = excluded.at_ms`,
      ...[id, mode, project, batch, model, day, spent.microUsd, this.owner, nowMs],
    );
  }

  /** Gives up a reservation of a call that was not made. */
  cancel(id: string): void {
    this.db.run(`DELETE FROM calls WHERE id = ? AND state = 'reserved'`, id);
  }

  /** This process ends: what its calls under way cost is not to be known. */
  abandon(): void {
    this.db.run(`UPDATE calls SET at_ms = 0 WHERE owner = ? AND state = 'reserved'`, this.owner);
    this.presumeSpent(0);
  }

  add({ mode, project, day, batch, model, calls, usage, microUsd, presumedMicroUsd }: Spending): void {
    this.db.run(
      `INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (mode, project, day, batch, model) DO UPDATE SET
           calls = calls + excluded.calls,
           input_tokens = input_tokens + excluded.input_tokens,
           output_tokens = output_tokens + excluded.output_tokens,
           images = images + excluded.images,
           micro_usd = micro_usd + excluded.micro_usd,
           presumed_micro_usd = presumed_micro_usd + excluded.presumed_micro_usd`,
      ...[mode, project, day, batch, model, calls, usage.inputTokens, usage.outputTokens, usage.images],
      ...[microUsd, presumedMicroUsd],
    );
  }

  /** What a cap counts, millionths of a dollar: spent, and reserved for calls under way. */
  standing(mode: ProviderMode, { batch, project, period }: Cap, day: string): { spent: number; reserved: number } {
    const wanted = {
      // A batch never changes its mode, and is found faster by itself.
      ...(batch === undefined ? { mode } : { batch }),
      ...(project === null ? {} : { project }),
      ...(period === 'day' ? { day } : {}),
    };
    const columns = Object.keys(wanted).map((column) => `${column} = ?`);
    const where = columns.join(' AND ');
    const values = Object.values(wanted);
    const sum = (table: string, and = ''): number =>
      figure(this.db.get(`SELECT SUM(micro_usd) AS sum FROM ${table} WHERE ${where}${and}`, ...values)?.['sum']);
    return { spent: sum('spend'), reserved: sum('calls', ` AND state = 'reserved'`) };
  }

  /** What a batch may cost, millionths of a dollar, after this was told too; null: no limit. */
  followBatchBudget(batch: string, { usd, revision }: BatchBudget): number | null {
    const row = this.db.get('SELECT revision, micro_usd FROM batch_budgets WHERE batch = ?', batch);
    const known = row?.['micro_usd'];
    const told = usd === null ? null : Math.round(usd * 1e6);
    if (row === undefined ? told === null : figure(row['revision']) >= revision) {
      return typeof known === 'number' ? known : null;
    }
    this.db.run(
      `INSERT INTO batch_budgets VALUES (?, ?, ?) ON CONFLICT (batch) DO UPDATE SET
         revision = excluded.revision, micro_usd = excluded.micro_usd`,
      ...[batch, revision, told],
    );
    return told;
  }

  forgetBatchBudget(batch: string): void {
    this.db.run('DELETE FROM batch_budgets WHERE batch = ?', batch);
  }

  get budgets(): Budgets {
    const text = this.setting('budgets');
    if (text === null) return noBudgets;
    if (this.parsed?.text !== text) this.parsed = { text, budgets: budgetsSchema.parse(JSON.parse(text)) };
    return this.parsed.budgets;
  }

  set budgets(budgets: Budgets) {
    this.set('budgets', JSON.stringify(budgets));
  }

  setting(name: string): string | null {
    const value = this.db.get('SELECT value FROM settings WHERE name = ?', name)?.['value'];
    return typeof value === 'string' ? value : null;
  }

  set(name: string, value: string): void {
    this.db.run(
      'INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
      name,
      value,
    );
  }

  /** Calls whose worker has not been heard of since: they may have been charged for, and count in full. */
  private presumeSpent(untilMs: number): void {
    const lost = this.db.all(`SELECT * FROM calls WHERE state = 'reserved' AND at_ms <= ?`, untilMs);
    for (const row of lost) {
      const text = (column: string): string => String(row[column]);
      const microUsd = figure(row['micro_usd']);
      this.add({
        mode: row['mode'] === 'live' ? 'live' : 'emulated',
        project: text('project'),
        day: text('day'),
        batch: text('batch'),
        model: text('model'),
        calls: 1,
        usage: nothingUsed,
        microUsd,
        presumedMicroUsd: microUsd,
      });
      this.db.run(`UPDATE calls SET state = 'presumed', at_ms = ? WHERE id = ?`, this.now(), text('id'));
    }
  }
}
