import { figure, type LocalDatabase } from '../../storage/sqlite/local-database.ts';
import { Speed, type TimedCall } from './speed.ts';

/** How a call under an adaptive key ended, as far as it tells of the server's load. */
export type CallEnd = 'succeeded' | 'overloaded';

/** What the end of a call tells of a key. */
export interface Lesson {
  key: string;
  end: CallEnd;
  /** Calls at once by configuration; null: not limited. */
  configured: number | null;
  /** Of a call that succeeded; null: its time tells nothing. */
  time: Omit<TimedCall, 'inFlight'> | null;
}

/** Calm for this long, a key is at full pace again. */
const forgetMs = 600_000;

/**
 * How many calls a key may have under way at once, as its server bears them: halved when it is overloaded
 * or slow (see Speed), raised by one for as many successes as that is (additive increase, multiplicative decrease),
 * until the configured number is reached. Shared by all processes. To be used inside of a transaction.
 *
 * A call tells of the pace it was begun at: calls begun before the last cut, of which a burst fails together,
 * neither cut again nor raise.
 *
 * @see https://www.rfc-editor.org/rfc/rfc5681#section-3.1
 */
export class Pace {
  private readonly db: LocalDatabase;
  private readonly speed: Speed;

  constructor(db: LocalDatabase) {
    this.db = db;
    this.speed = new Speed(db);
  }

  /** Calls at once, at least 1; null: as configured. */
  ceiling(key: string): number | null {
    const row = this.db.get('SELECT ceiling FROM pace WHERE key = ?', key);
    return row === undefined ? null : Math.max(1, Math.floor(figure(row['ceiling'])));
  }

  /**
   * @param call when it was let through, and how many were under way when it ended, itself included
   */
  learn(lesson: Lesson, call: { grantedAt: number; inFlight: number }, now: number): void {
    const { key, end, configured, time } = lesson;
    const { grantedAt, inFlight } = call;
    const row = this.db.get('SELECT ceiling, whole, cut_at FROM pace WHERE key = ?', key);
    const ceiling = row === undefined ? null : figure(row['ceiling']);
    const begunBefore = ceiling !== null && grantedAt <= figure(row?.['cut_at']);
    const verdict = time === null ? 'steady' : this.speed.learn(key, { ...time, inFlight }, ceiling === null, now);
    // Without a limit of our own, where it broke is what is aimed at again.
    const whole = configured ?? Math.max(inFlight, figure(row?.['whole']));
    if (end === 'overloaded' && !begunBefore) this.speed.restart(key);
    if (verdict === 'slow' || (end === 'overloaded' && !begunBefore)) {
      this.write(key, Math.max(1, Math.min(ceiling ?? Infinity, whole, inFlight) / 2), whole, now);
      return;
    }
    if (ceiling === null) return;
    if (verdict === 'innocent') this.raise(key, 2 * ceiling, whole, now);
    if (verdict === 'steady' && !begunBefore)
      this.raise(key, ceiling + 1 / Math.max(1, Math.floor(ceiling)), whole, now);
  }

  /** What was learned long ago is no reason any more. */
  forgetOld(now: number): void {
    this.db.run('DELETE FROM pace WHERE changed_at <= ?', now - forgetMs);
    this.speed.forget(now - forgetMs);
  }

  private raise(key: string, ceiling: number, whole: number, now: number): void {
    if (ceiling >= whole) this.db.run('DELETE FROM pace WHERE key = ?', key);
    else this.db.run('UPDATE pace SET ceiling = ?, changed_at = ? WHERE key = ?', ceiling, now, key);
  }

  private write(key: string, ceiling: number, whole: number, now: number): void {
    this.db.run(
      `INSERT INTO pace VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
         ceiling = excluded.ceiling, whole = excluded.whole, cut_at = excluded.cut_at, changed_at = excluded.changed_at`,
      ...[key, ceiling, whole, now, now],
    );
  }
}
