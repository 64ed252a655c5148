import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Cost, Used } from './capacity.ts';
import { isBusy, storageError } from './log-error.ts';
import { schema } from './schema.ts';

/** Between our clock at the wire and the server's count: the network's jitter. Costs 0.8 % of a limit. */
const marginMs = 500;
const windowMs = 60_000 + marginMs;
const leaseMs = 15_000;

/** What is known of a key. */
export interface KeyState extends Used {
  inFlight: number;
  /** Of those, how many are other processes' calls. */
  foreign: number;
  blockedUntil: number;
}

/** One call as it is logged under each of its keys. */
export interface GrantEntry {
  id: string;
  keys: readonly string[];
  cost: Cost;
  /** When it was on the wire; null: not yet. */
  sentAt: number | null;
  released: boolean;
}

/**
 * The sliding log of grants in SQLite, shared by all processes of the machine that open the same file
 * and outliving them. All methods but `transaction` and `close` are to be called inside a transaction.
 * SQLite's failures come out as SluiceError: STORAGE_FULL, STORAGE_DENIED or STORAGE_ERROR.
 */
export class GrantLog {
  private readonly path: string;
  private readonly now: () => number;
  private readonly owner = randomUUID();
  private readonly db: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  constructor(path: string, now: () => number) {
    this.path = path;
    this.now = now;
    try {
      if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
      this.db = new DatabaseSync(path, { timeout: 5_000 });
      useWriteAheadLog(this.db);
      // A crash of the machine may cost the last second; a killed process costs nothing.
      this.db.exec('PRAGMA synchronous = NORMAL');
      this.db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
    } catch (error) {
      throw storageError(path, error);
    }
  }

  /** Runs `work` alone over all processes; what it wrote holds when this returns, or none of it. */
  transaction<T>(work: (now: number) => T): T {
    try {
      this.db.exec('BEGIN IMMEDIATE');
      const now = this.now();
      this.followClock(now);
      this.expireLeases(now);
      this.run('DELETE FROM grants WHERE sent_at <= ?', now - windowMs);
      const result = work(now);
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      if (this.db.isOpen && this.db.isTransaction) this.db.exec('ROLLBACK');
      throw storageError(this.path, error);
    }
  }

  state(key: string): KeyState {
    const sums = this.statement('SELECT requests, tokens, images, blocked_until FROM keys WHERE key = ?').get(key);
    const leases = this.statement(
      'SELECT COUNT(*) AS in_flight, TOTAL(owner <> ?) AS foreign_ones FROM leases WHERE key = ?',
    ).get(this.owner, key);
    return {
      requests: figure(sums?.['requests']),
      tokens: figure(sums?.['tokens']),
      images: figure(sums?.['images']),
      blockedUntil: figure(sums?.['blocked_until']),
      inFlight: figure(leases?.['in_flight']),
      foreign: figure(leases?.['foreign_ones']),
    };
  }

  /** When this much will have left the window of a key; infinite while calls not yet sent stand in the way. */
  freeAt(key: string, need: Used): number {
    const left = { ...need };
    const oldestFirst = this.statement(
      'SELECT sent_at, tokens, images FROM grants WHERE key = ? AND sent_at IS NOT NULL ORDER BY sent_at',
    );
    for (const row of oldestFirst.iterate(key)) {
      left.requests -= 1;
      left.tokens -= figure(row['tokens']);
      left.images -= figure(row['images']);
      if (left.requests <= 0 && left.tokens <= 0 && left.images <= 0) return figure(row['sent_at']) + windowMs;
    }
    return Infinity;
  }

  newGrant(keys: readonly string[], cost: Cost, now: number): GrantEntry {
    const entry: GrantEntry = { id: randomUUID(), keys, cost, sentAt: null, released: false };
    for (const key of keys) {
      this.run('INSERT INTO leases VALUES (?, ?, ?, ?)', entry.id, key, this.owner, now + leaseMs);
    }
    this.write(entry);
    return entry;
  }

  /** Writes a call as it is now; repeating it changes nothing. */
  write({ id, keys, cost, sentAt, released }: GrantEntry): void {
    for (const key of keys) {
      this.run(
        `INSERT INTO grants VALUES (?, ?, ?, ?, ?) ON CONFLICT (permit, key)
           DO UPDATE SET sent_at = excluded.sent_at, tokens = excluded.tokens, images = excluded.images`,
        id,
        key,
        sentAt,
        Math.ceil(cost.tokens),
        Math.ceil(cost.images),
      );
    }
    if (released) this.run('DELETE FROM leases WHERE permit = ?', id);
  }

  renewLeases(now: number): void {
    this.run('UPDATE leases SET expires_at = ? WHERE owner = ?', now + leaseMs, this.owner);
    this.run('DELETE FROM keys WHERE requests = 0 AND blocked_until <= ?', now);
  }

  block(key: string, until: number): void {
    this.run(
      `INSERT INTO keys (key, blocked_until) VALUES (?, ?) ON CONFLICT (key)
         DO UPDATE SET blocked_until = max(blocked_until, excluded.blocked_until)`,
      key,
      Math.ceil(until),
    );
  }

  /** Up to which revision calls of a key are refused; null: none is. */
  refusedUpTo(key: string): number | null {
    const row = this.statement('SELECT up_to FROM refusals WHERE key = ?').get(key);
    return row === undefined ? null : figure(row['up_to']);
  }

  refuse(key: string, upTo: number): void {
    this.run(
      'INSERT INTO refusals VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET up_to = max(up_to, excluded.up_to)',
      key,
      upTo,
    );
  }

  forgetRefusal(key: string): void {
    this.run('DELETE FROM refusals WHERE key = ?', key);
  }

  /** Gives up this process's leases: its calls are taken as sent now. */
  close(): void {
    if (!this.db.isOpen) return;
    try {
      this.transaction((now) => {
        this.run('UPDATE leases SET expires_at = ? WHERE owner = ?', now, this.owner);
        this.expireLeases(now);
      });
    } finally {
      this.db.close();
    }
  }

  /** After a reboot the clock starts again; time that went backwards is taken as no time passed. */
  private followClock(now: number): void {
    const last = figure(this.statement('SELECT last_ms FROM clock').get()?.['last_ms']);
    this.run('UPDATE clock SET last_ms = ?', now);
    if (now >= last) return;
    const back = last - now;
    this.run('UPDATE grants SET sent_at = sent_at - ? WHERE sent_at IS NOT NULL', back);
    this.run('UPDATE leases SET expires_at = expires_at - ?', back);
    this.run('UPDATE keys SET blocked_until = max(0, blocked_until - ?)', back);
  }

  /** A killed process may have sent its calls until its leases ran out: they are taken as sent then. */
  private expireLeases(now: number): void {
    if (this.statement('SELECT 1 FROM leases WHERE expires_at <= ? LIMIT 1').get(now) === undefined) return;
    this.run(
      `UPDATE grants SET sent_at = leases.expires_at FROM leases
         WHERE grants.sent_at IS NULL AND leases.permit = grants.permit AND leases.key = grants.key
           AND leases.expires_at <= ?`,
      now,
    );
    this.run('DELETE FROM leases WHERE expires_at <= ?', now);
  }

  private run(sql: string, ...values: (string | number | null)[]): void {
    this.statement(sql).run(...values);
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

function figure(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
