import { figure, type LocalDatabase } from '../../storage/sqlite/local-database.ts';

/** Fewer calls than this tell nothing, nor do fewer than twice as many as are under way. */
const sample = 16;
/** Calls that take this many times as long as is usual are slow. */
const slowFactor = 3;
/** With half as many calls at once, a server that was overloaded makes as much as before; any other makes half. */
const asMuch = 0.75;
/** Of how many samples the usual time is the average. */
const memory = 8;

/**
 * What the time of the latest calls tells: nothing new; that there are too many at once; nothing yet, so that their
 * number is to stay as it is; or that their number is not to blame.
 */
export type Verdict = 'steady' | 'slow' | 'undecided' | 'innocent';

/** A call that succeeded. */
export interface TimedCall {
  /** From sending to answer. */
  tookMs: number;
  /** How much it made, in units that its time grows with. */
  made: number;
  /** Calls under way when it ended, itself included. */
  inFlight: number;
}

/**
 * How long calls under a key take, as a sign of load that comes before refusals and timeouts. When they take three
 * times as long as is usual, half as many are to be made at once. A server that they overloaded makes as much with
 * those. If it makes less, others load it or it has become slower: then as many as before are to be made, and this
 * time is the usual one. To be used inside of a transaction.
 *
 * The time a unit takes is calls under way, summed over time, by units made (Little's law, L = λW): the times of the
 * calls that end first, as averages of few, are those of short ones.
 *
 * @see https://doi.org/10.1287/opre.9.3.383
 */
export class Speed {
  private readonly db: LocalDatabase;

  constructor(db: LocalDatabase) {
    this.db = db;
  }

  /** @param full as many as configured are made at once: what is usual is learned only then */
  learn(key: string, { tookMs, made, inFlight }: TimedCall, full: boolean, now: number): Verdict {
    const row = this.db.get('SELECT * FROM speed WHERE key = ?', key);
    // Time in which nothing was under way is none of the calls'.
    const passedMs = row === undefined ? tookMs : Math.min(tookMs, now - figure(row['changed_at']));
    const window: Window = {
      calls: figure(row?.['calls']) + 1,
      made: figure(row?.['made']) + made,
      busyMs: figure(row?.['busy_ms']) + passedMs,
      callMs: figure(row?.['call_ms']) + inFlight * passedMs,
    };
    const known: Known = {
      usual: figure(row?.['usual']),
      madeBefore: figure(row?.['made_before']),
      stage: stages.find((stage) => stage === row?.['stage']) ?? 'watched',
    };
    if (window.calls < Math.max(sample, 2 * inFlight)) {
      this.write(key, known, window, now);
      return known.stage === 'cut' || known.stage === 'judged' ? 'undecided' : 'steady';
    }
    const { verdict, ...learned } = judge(known, window, full);
    this.write(key, learned, { calls: 0, made: 0, busyMs: 0, callMs: 0 }, now);
    return verdict;
  }

  /** How many calls are made at once has changed for another reason: what was begun is not compared with what follows. */
  restart(key: string): void {
    this.db.run("UPDATE speed SET stage = 'watched', calls = 0, made = 0, busy_ms = 0, call_ms = 0 WHERE key = ?", key);
  }

  /** What was last learned then or before. */
  forget(until: number): void {
    this.db.run('DELETE FROM speed WHERE changed_at <= ?', until);
  }

  private write(key: string, { usual, madeBefore, stage }: Known, window: Window, now: number): void {
    const { calls, made, busyMs, callMs } = window;
    this.db.run(
      'INSERT OR REPLACE INTO speed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      ...[key, usual, madeBefore, stage, calls, made, busyMs, callMs, now],
    );
  }
}

/** The latest calls. */
interface Window {
  calls: number;
  made: number;
  /** Time in which calls were under way. */
  busyMs: number;
  /** The same for each of them, summed. */
  callMs: number;
}

/** Of a window: `doubted` follows a slow one, `cut` a cut, when calls of before it still end, `judged` tells of that. */
const stages = ['watched', 'doubted', 'cut', 'judged'] as const;

interface Known {
  stage: (typeof stages)[number];
  /** Milliseconds a unit takes; 0: not known yet. */
  usual: number;
  /** Units a millisecond before the last cut. */
  madeBefore: number;
}

function judge({ stage, usual, madeBefore }: Known, window: Window, full: boolean): Known & { verdict: Verdict } {
  const time = window.callMs / window.made;
  const pace = window.made / window.busyMs;
  const steady = { stage: 'watched', usual, madeBefore, verdict: 'steady' } as const;
  if (stage === 'cut') return { ...steady, stage: 'judged', verdict: 'undecided' };
  if (stage === 'judged') return pace >= asMuch * madeBefore ? steady : { ...steady, usual: time, verdict: 'innocent' };
  if (usual === 0) return { ...steady, usual: time };
  if (time > slowFactor * usual) {
    // A window in which it became slow tells too little of either pace.
    if (stage === 'watched') return { ...steady, stage: 'doubted' };
    return { stage: 'cut', usual, madeBefore: pace, verdict: 'slow' };
  }
  return full ? { ...steady, usual: usual + (time - usual) / memory } : steady;
}
