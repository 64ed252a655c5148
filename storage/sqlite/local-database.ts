import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import { isBusy, sqliteError, type DatabaseName } from './sqlite-error.ts';

type Value = string | number | null;

/**
 * A SQLite file shared by all processes of the machine that open it, and outliving them. A killed process
 * costs nothing that was committed; a power cut may cost the last second (`synchronous = NORMAL`).
 *
 * SQLite's failures come out as SluiceError: STORAGE_FULL, STORAGE_DENIED or STORAGE_ERROR.
 */
export class LocalDatabase {
  private readonly name: DatabaseName;
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  /**
   * @param name `path` is made if need be, with its directory; `:memory:` for one process alone
   * @param schema statements that may be run again
   */
  constructor(name: DatabaseName, schema: string) {
    this.name = name;
    try {
      if (name.path !== ':memory:') mkdirSync(dirname(name.path), { recursive: true, mode: 0o700 });
      this.db = new DatabaseSync(name.path, { timeout: 5_000 });
      useWriteAheadLog(this.db);
      this.db.exec('PRAGMA synchronous = NORMAL');
      this.db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
    } catch (error) {
      throw sqliteError(name, error);
    }
  }

  get isOpen(): boolean {
    return this.db.isOpen;
  }

  /** Runs `work` alone over all processes; what it wrote holds when this returns, or none of it. */
  transaction<T>(work: () => T): T {
    try {
      this.db.exec('BEGIN IMMEDIATE');
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.db.isOpen && this.db.isTransaction) this.db.exec('ROLLBACK');
      throw sqliteError(this.name, error);
    }
  }

  run(sql: string, ...values: Value[]): void {
    this.statement(sql).run(...values);
  }

  get(sql: string, ...values: Value[]): Record<string, SQLOutputValue> | undefined {
    return this.statement(sql).get(...values);
  }

  all(sql: string, ...values: Value[]): Record<string, SQLOutputValue>[] {
    return this.statement(sql).all(...values);
  }

  iterate(sql: string, ...values: Value[]): Iterable<Record<string, SQLOutputValue>> {
    return this.statement(sql).iterate(...values);
  }

  close(): void {
    this.db.close();
  }

  private statement(sql: string): StatementSync {
    let statement = this.statements.get(sql);
    if (statement === undefined) {
      statement = this.db.prepare(sql);
      this.statements.set(sql, statement);
    }
    return statement;
  }
}

/** A column that counts; 0 where there is no row. */
export function figure(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

/** Of processes that make a new file at once, SQLite turns some away here without heeding the timeout. */
function useWriteAheadLog(db: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 1; ; attempt += 1) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (attempt === 100 || !isBusy(error)) throw error;
      Atomics.wait(pause, 0, 0, 20);
    }
  }
}
