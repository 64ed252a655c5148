import { SluiceError } from '../../domain/errors.ts';
import { admit, type Granted } from './admission.ts';
import type { Cost } from './capacity.ts';
import { machineClock, type Clock } from './clock.ts';
import { GrantLog, type GrantEntry } from './grant-log.ts';
import { LiveLimits, type LimitKey } from './live-limits.ts';
import { createPermit, type Permit } from './permit.ts';
import { WaitingLine, type Call, type Turn } from './waiting-line.ts';

export interface Limiter {
  /**
   * Leave for one call under all keys at once. Of the calls of a process that wait for the same widest key the
   * most urgent go first, then projects in turn, then their narrowest keys in turn, then in order of arrival;
   * one that waits for a narrow key (its batch) does not hold up others on a wide one (the model). Between
   * processes there is no order: who releases a place has the first chance to fill it again.
   * @param keys from the widest to the narrowest
   * @param turn @default normal priority, of no project
   * @throws the signal's reason when aborted; CallRefused when one of the keys refuses the call; SluiceError
   * with a STORAGE code when the log fails
   */
  acquire(keys: readonly LimitKey[], cost: Cost, signal: AbortSignal, turn?: Turn): Promise<Permit>;
  /** The server asked for a rest: nobody gets this key for `ms`. Extends a rest, never shortens it. */
  slowDown(key: string, ms: number): void;
  /** Changes limits of a key for all that wait for it in this process, unless they are of a higher revision. */
  setLimits(key: string, change: Omit<LimitKey, 'key'>): void;
  /**
   * From now on no call of this key and of this revision, or an older one, is let through, in any process,
   * until the key is forgotten; those that wait are rejected. Throws as `acquire` does when the log fails.
   */
  refuse(key: string, upToRevision: number): void;
  /** Whether a call of this key and revision would be refused. */
  refuses(key: string, revision: number): boolean;
  /** Ends what `refuse` began. */
  forget(key: string): void;
  /** Says that what `Permit.hold` named still goes on; where its place was given up meanwhile, it is taken again. */
  hold(name: string, keys: readonly string[]): void;
  /** What `Permit.hold` named is over. */
  free(name: string): void;
  /** What of a key is taken, over all processes. */
  usage(key: string): KeyUsage;
  /** Rejects all that wait and gives up the places of calls under way. */
  close(): void;
}

/** The call was not made, and is not to be made: a key of it takes no more calls for now. */
export class CallRefused extends Error {
  override readonly name = 'CallRefused';
}

export interface KeyUsage extends Cost {
  requests: number;
  inFlight: number;
  /** Left of a rest the server asked for. */
  blockedForMs: number;
  /** Calls at once that its server bears; null: as many as are configured. */
  ceiling: number | null;
}

interface LimiterOptions {
  /** SQLite file, shared by all workers of the machine; its directory is made. `:memory:` for one process. */
  path: string;
  clock?: Clock;
}

interface Waiter extends Call {
  grant: (permit: Permit) => void;
  fail: (error: unknown) => void;
}

/** A third of a lease, so that two renewals may be late before it is lost. */
const renewMs = 5_000;
/** Longest wait before looking again, because other processes change the log too. */
const lookAgainMs = 1_000;

/**
 * A limiter that holds over all processes that share its file, across their death, in any rolling
 * minute from the first second on: a log of grants, not a bucket that starts full.
 */
export function createLimiter({ path, clock = machineClock }: LimiterOptions): Limiter {
  return new SlidingLogLimiter(path, clock);
}

class SlidingLogLimiter implements Limiter {
  private readonly clock: Clock;
  private readonly log: GrantLog;
  private readonly limits = new LiveLimits();
  private readonly waiters = new WaitingLine<Waiter>();
  /** Calls whose latest state is not in the log yet. */
  private readonly unwritten = new Set<GrantEntry>();
  private readonly rests = new Map<string, number>();
  private held = 0;
  private renewalDue = false;
  private pumpQueued = false;
  private closed = false;
  private cancelWake: () => void = () => undefined;
  private cancelRenewal: () => void = () => undefined;

  constructor(path: string, clock: Clock) {
    this.clock = clock;
    this.log = new GrantLog(path, () => clock.now());
  }

  async acquire(
    keys: readonly LimitKey[],
    cost: Cost,
    signal: AbortSignal,
    turn: Turn = { priority: 3, project: '' },
  ): Promise<Permit> {
    signal.throwIfAborted();
    if (this.closed) throw closedError();
    const { promise, resolve, reject } = Promise.withResolvers<Permit>();
    const unique = new Map(keys.map((key) => [key.key, key]));
    const leaveQueue = (): void => {
      signal.removeEventListener('abort', abort);
      this.waiters.delete(waiter);
    };
    const abort = (): void => {
      waiter.fail(signal.reason);
      this.queuePump();
    };
    const waiter: Waiter = {
      keys: [...unique.keys()],
      revisions: new Map(keys.flatMap(({ key, revision }) => (revision === undefined ? [] : [[key, revision]]))),
      cost,
      turn,
      grant: (permit) => {
        leaveQueue();
        resolve(permit);
      },
      fail: (error) => {
        leaveQueue();
        this.leaveKeys(waiter.keys);
        reject(error);
      },
    };
    for (const key of unique.values()) this.limits.enter(key);
    signal.addEventListener('abort', abort);
    this.waiters.add(waiter);
    this.queuePump();
    return promise;
  }

  slowDown(key: string, ms: number): void {
    this.rests.set(key, Math.max(this.rests.get(key) ?? 0, this.clock.now() + ms));
    // At once, not queued: what is granted from here on is to know of it.
    this.pump();
  }

  setLimits(key: string, change: Omit<LimitKey, 'key'>): void {
    this.limits.set(key, change);
    this.queuePump();
  }

  refuse(key: string, upToRevision: number): void {
    this.log.transaction(() => {
      this.log.refuse(key, upToRevision);
    });
    this.queuePump();
  }

  refuses(key: string, revision: number): boolean {
    return this.log.transaction(() => revision <= (this.log.refusedUpTo(key) ?? -Infinity));
  }

  forget(key: string): void {
    this.log.transaction(() => {
      this.log.forgetRefusal(key);
    });
  }

  hold(name: string, keys: readonly string[]): void {
    this.log.transaction((now) => {
      this.log.hold(name, keys, now);
    });
  }

  free(name: string): void {
    this.log.transaction(() => {
      this.log.free(name);
    });
    this.queuePump();
  }

  usage(key: string): KeyUsage {
    this.pump();
    return this.log.transaction((now) => {
      const { foreign: _, blockedUntil, ...usage } = this.log.state(key);
      return { ...usage, blockedForMs: Math.max(0, blockedUntil - now) };
    });
  }

  close(): void {
    if (this.closed) return;
    this.pump();
    this.closed = true;
    this.cancelWake();
    this.cancelRenewal();
    for (const waiter of this.waiters.everyone()) waiter.fail(closedError());
    this.log.close();
  }

  /** Once for all that happens in this turn of the event loop. */
  private queuePump(): void {
    if (this.pumpQueued) return;
    this.pumpQueued = true;
    queueMicrotask(() => {
      this.pumpQueued = false;
      this.pump();
    });
  }

  /** Writes what is unwritten, grants what can be granted, and sets the timer for the next time. */
  private pump(): void {
    if (this.closed) return;
    this.cancelWake();
    const idle = this.waiters.size + this.unwritten.size + this.rests.size === 0;
    if (idle && !this.renewalDue) return;
    let round;
    try {
      round = this.log.transaction((now) => {
        this.writeChanges(now);
        return { ...admit(this.waiters, this.log, this.limits, now), now };
      });
    } catch (error) {
      // What is unwritten stays so for the next round; those who wait are told.
      for (const waiter of this.waiters.everyone()) waiter.fail(error);
      this.cancelWake = this.clock.after(lookAgainMs, () => {
        this.pump();
      });
      return;
    }
    this.unwritten.clear();
    this.rests.clear();
    this.renewalDue = false;
    for (const granted of round.granted) granted.call.grant(this.permit(granted));
    for (const call of round.refused) call.fail(new CallRefused());
    if (this.waiters.size === 0) return;
    const delay = Math.min(lookAgainMs, Math.max(1, Math.ceil(round.wakeAt - round.now)));
    this.cancelWake = this.clock.after(delay, () => {
      this.pump();
    });
  }

  private writeChanges(now: number): void {
    for (const entry of this.unwritten) this.log.write(entry, now);
    for (const [key, until] of this.rests) this.log.block(key, until);
    if (this.renewalDue) this.log.renewLeases(now);
  }

  private permit({ entry, lane: { share }, charged }: Granted<Waiter>): Permit {
    this.held += 1;
    if (this.held === 1) this.renewLater();
    return createPermit({
      entry,
      share,
      charged,
      limits: this.limits,
      clock: this.clock,
      changed: () => {
        this.unwritten.add(entry);
        this.queuePump();
      },
      over: () => {
        this.held -= 1;
        if (this.held === 0) this.cancelRenewal();
        this.leaveKeys(entry.keys);
      },
    });
  }

  private renewLater(): void {
    this.cancelRenewal = this.clock.after(renewMs, () => {
      this.renewalDue = true;
      this.renewLater();
      this.pump();
    });
  }

  private leaveKeys(keys: readonly string[]): void {
    for (const key of keys) this.limits.leave(key);
  }
}

function closedError(): SluiceError {
  return new SluiceError('UNAVAILABLE', 'The rate limiter is closed: its worker is stopping.');
}
