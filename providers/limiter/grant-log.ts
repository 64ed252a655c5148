import { randomUUID } from 'node:crypto';
import { figure, LocalDatabase } from '../../storage/sqlite/local-database.ts';
import type { Cost, Used } from './capacity.ts';
import { Pace, type Lesson } from './pace.ts';
import { schema } from './schema.ts';

/** Between our clock at the wire and the server's count: the network's jitter. Costs 0.8 % of a limit. */
const marginMs = 500;
const windowMs = 60_000 + marginMs;
const leaseMs = 15_000;
/** How long a place is kept for what goes on after its call and is not heard of: several looks at it may fail. */
const heldMs = 300_000;

/** What is known of a key. */
export interface KeyState extends Used {
  inFlight: number;
  /** Of those, how many are other processes' calls. */
  foreign: number;
  blockedUntil: number;
  /** Calls at once that its server bears; null: as many as are configured. */
  ceiling: number | null;
}

/** One call as it is logged under each of its keys. */
export interface GrantEntry {
  id: string;
  keys: readonly string[];
  cost: Cost;
  grantedAt: number;
  /** When it was on the wire; null: not yet. */
  sentAt: number | null;
  released: boolean;
  /** Name of what goes on when it is released, and keeps its place; null: nothing. */
  heldAs: string | null;
  /** Its call was not made. */
  unused: boolean;
  /** What its end tells of how many calls at once the servers of its keys bear. */
  lessons: Lesson[];
}

/**
 * The sliding log of grants in SQLite, shared by all processes of the machine that open the same file
 * and outliving them. All methods but `transaction` and `close` are to be called inside a transaction.
 * SQLite's failures come out as SluiceError: STORAGE_FULL, STORAGE_DENIED or STORAGE_ERROR.
 */
export class GrantLog {
  private readonly now: () => number;
  private readonly owner = randomUUID();
  private readonly db: LocalDatabase;
  private readonly pace: Pace;

  constructor(path: string, now: () => number) {
    this.now = now;
    const mend = 'Stop the workers and delete it: it holds only the last minute.';
    this.db = new LocalDatabase({ what: "The rate limiter's log", mend, path }, schema);
    this.pace = new Pace(this.db);
  }

  /** Runs `work` alone over all processes; what it wrote holds when this returns, or none of it. */
  transaction<T>(work: (now: number) => T): T {
    return this.db.transaction(() => {
      const now = this.now();
      this.followClock(now);
      this.expireLeases(now);
      this.db.run('DELETE FROM grants WHERE sent_at <= ?', now - windowMs);
      return work(now);
    });
  }

  state(key: string): KeyState {
    const sums = this.db.get('SELECT requests, tokens, images, blocked_until FROM keys WHERE key = ?', key);
    const leases = this.db.get(
      'SELECT COUNT(*) AS in_flight, TOTAL(owner <> ?) AS foreign_ones FROM leases WHERE key = ?',
      this.owner,
      key,
    );
    return {
      requests: figure(sums?.['requests']),
      tokens: figure(sums?.['tokens']),
      images: figure(sums?.['images']),
      blockedUntil: figure(sums?.['blocked_until']),
      inFlight: figure(leases?.['in_flight']),
      foreign: figure(leases?.['foreign_ones']),
      ceiling: this.pace.ceiling(key),
    };
  }

  /** When this much will have left the window of a key; infinite while calls not yet sent stand in the way. */
  freeAt(key: string, need: Used): number {
    const left = { ...need };
    const oldestFirst = this.db.iterate(
      'SELECT sent_at, tokens, images FROM grants WHERE key = ? AND sent_at IS NOT NULL ORDER BY sent_at',
      key,
    );
    for (const row of oldestFirst) {
      left.requests -= 1;
      left.tokens -= figure(row['tokens']);
      left.images -= figure(row['images']);
      if (left.requests <= 0 && left.tokens <= 0 && left.images <= 0) return figure(row['sent_at']) + windowMs;
    }
    return Infinity;
  }

  newGrant(keys: readonly string[], cost: Cost, now: number): GrantEntry {
    const entry: GrantEntry = {
      id: randomUUID(),
      keys,
      cost,
      grantedAt: now,
      sentAt: null,
      released: false,
      heldAs: null,
      unused: false,
      lessons: [],
    };
    for (const key of keys) {
      this.db.run('INSERT INTO leases VALUES (?, ?, ?, ?)', entry.id, key, this.owner, now + leaseMs);
    }
    this.write(entry, now);
    return entry;
  }

  /** Writes a call as it is now; repeating it changes nothing. */
  write({ id, keys, cost, grantedAt, sentAt, released, heldAs, unused, lessons }: GrantEntry, now: number): void {
    if (unused) {
      this.db.run('DELETE FROM grants WHERE permit = ?', id);
      this.free(id);
      return;
    }
    for (const lesson of lessons) {
      // While its own place still counts among those under way.
      this.pace.learn(lesson, { grantedAt, inFlight: this.state(lesson.key).inFlight }, now);
    }
    for (const key of keys) {
      this.db.run(
        `INSERT INTO grants VALUES (?, ?, ?, ?, ?) ON CONFLICT (permit, key)
           DO UPDATE SET sent_at = excluded.sent_at, tokens = excluded.tokens, images = excluded.images`,
        id,
        key,
        sentAt,
        Math.ceil(cost.tokens),
        Math.ceil(cost.images),
      );
    }
    if (heldAs !== null) this.hold(heldAs, keys, now);
    if (released) this.free(id);
  }

  /** Keeps a place for something that goes on by itself, of no process, or takes it again. */
  hold(name: string, keys: readonly string[], now: number): void {
    for (const key of keys) {
      this.db.run(
        `INSERT INTO leases VALUES (?, ?, '', ?) ON CONFLICT (permit, key)
           DO UPDATE SET expires_at = excluded.expires_at`,
        ...[name, key, now + heldMs],
      );
    }
  }

  /** Gives up the place of a call, or of what is held. */
  free(id: string): void {
    this.db.run('DELETE FROM leases WHERE permit = ?', id);
  }

  /** Keys that are in use, or were in the last minute. */
  keys(): string[] {
    const rows = this.db.all('SELECT key FROM keys UNION SELECT key FROM pace UNION SELECT key FROM leases');
    return rows.map(({ key }) => String(key));
  }

  renewLeases(now: number): void {
    this.pace.forgetOld(now);
    this.db.run('UPDATE leases SET expires_at = ? WHERE owner = ?', now + leaseMs, this.owner);
    this.db.run('DELETE FROM keys WHERE requests = 0 AND blocked_until <= ?', now);
  }

  block(key: string, until: number): void {
    this.db.run(
      `INSERT INTO keys (key, blocked_until) VALUES (?, ?) ON CONFLICT (key)
         DO UPDATE SET blocked_until = max(blocked_until, excluded.blocked_until)`,
      key,
      Math.ceil(until),
    );
  }

  /** Up to which revision calls of a key are refused; null: none is. */
  refusedUpTo(key: string): number | null {
    const row = this.db.get('SELECT up_to FROM refusals WHERE key = ?', key);
    return row === undefined ? null : figure(row['up_to']);
  }

  refuse(key: string, upTo: number): void {
    this.db.run(
      'INSERT INTO refusals VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET up_to = max(up_to, excluded.up_to)',
      key,
      upTo,
    );
  }

  forgetRefusal(key: string): void {
    this.db.run('DELETE FROM refusals WHERE key = ?', key);
  }

  /** Gives up this process's leases: its calls are taken as sent now. */
  close(): void {
    if (!this.db.isOpen) return;
    try {
      this.transaction((now) => {
        this.db.run('UPDATE leases SET expires_at = ? WHERE owner = ?', now, this.owner);
        this.expireLeases(now);
      });
    } finally {
      this.db.close();
    }
  }

  /** After a reboot the clock starts again; time that went backwards is taken as no time passed. */
  private followClock(now: number): void {
    const last = figure(this.db.get('SELECT last_ms FROM clock')?.['last_ms']);
    this.db.run('UPDATE clock SET last_ms = ?', now);
    if (now >= last) return;
    const back = last - now;
    this.db.run('UPDATE grants SET sent_at = sent_at - ? WHERE sent_at IS NOT NULL', back);
    this.db.run('UPDATE leases SET expires_at = expires_at - ?', back);
    this.db.run('UPDATE keys SET blocked_until = max(0, blocked_until - ?)', back);
    this.db.run('UPDATE pace SET cut_at = cut_at - ?, changed_at = changed_at - ?', back, back);
    this.db.run('UPDATE speed SET changed_at = changed_at - ?', back);
  }

  /** A killed process may have sent its calls until its leases ran out: they are taken as sent then. */
  private expireLeases(now: number): void {
    if (this.db.get('SELECT 1 FROM leases WHERE expires_at <= ? LIMIT 1', now) === undefined) return;
    this.db.run(
      `UPDATE grants SET sent_at = leases.expires_at FROM leases
         WHERE grants.sent_at IS NULL AND leases.permit = grants.permit AND leases.key = grants.key
           AND leases.expires_at <= ?`,
      now,
    );
    this.db.run('DELETE FROM leases WHERE expires_at <= ?', now);
  }
}
