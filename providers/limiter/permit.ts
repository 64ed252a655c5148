import { shareOf, type Cost } from './capacity.ts';
import type { Clock } from './clock.ts';
import { correct, type Share } from './fair-shares.ts';
import type { GrantEntry } from './grant-log.ts';
import type { LiveLimits } from './live-limits.ts';
import type { CallEnd } from './pace.ts';

/** Leave to make one call. None of its methods throws or waits. */
export interface Permit {
  /** The call's bytes are on the wire: from now on, and no earlier, its place in the window runs out. */
  sent: () => void;
  /** What the call really took, in place of the estimate. */
  settle: (actual: Cost) => void;
  /**
   * The call is over, however it ended: frees its place among those under way. Call it exactly once, always.
   *
   * @param end what it tells of the server's load; left out: nothing
   * @param made how much a call that succeeded made, in units that its time grows with; left out: its time tells nothing
   */
  release: (end?: CallEnd, made?: number) => void;
  /**
   * In place of `release`, when what was called goes on after the call: its place stays taken under this name, until
   * `Limiter.free`, or until five minutes after the last `Limiter.hold`.
   */
  hold: (name: string, end?: CallEnd) => void;
  /** In place of `release`, when the call was not made: as if leave had never been given. */
  unused: () => void;
}

interface PermitOptions {
  entry: GrantEntry;
  share: Share;
  /** The part of the widest key its project was charged for. */
  charged: number;
  limits: LiveLimits;
  clock: Clock;
  /** The entry is to be written. */
  changed: () => void;
  /** The call is under way no more. */
  over: () => void;
}

export function createPermit({ entry, share, limits, clock, changed, over, ...options }: PermitOptions): Permit {
  const [widest = ''] = entry.keys;
  let { charged } = options;
  const end = (how: {
    end?: CallEnd | undefined;
    made?: number | undefined;
    unused?: boolean;
    heldAs?: string;
  }): void => {
    if (entry.released) return;
    entry.released = true;
    entry.unused = how.unused ?? false;
    entry.heldAs = how.heldAs ?? null;
    const { made } = how;
    const { sentAt } = entry;
    const timed = how.end === 'succeeded' && made !== undefined && sentAt !== null;
    const time = timed ? { made, tookMs: clock.now() - sentAt } : null;
    // Whether it was sent is not known: as late as it can have been.
    if (!entry.unused) entry.sentAt ??= clock.now();
    // Before the limits are forgotten with the last call under them.
    for (const key of how.end === undefined ? [] : entry.keys) {
      const { adaptive, concurrency = null } = limits.of(key);
      if (adaptive === true && how.end !== undefined)
        entry.lessons.push({ key, end: how.end, configured: concurrency, time });
    }
    over();
    changed();
  };
  return {
    sent: () => {
      entry.sentAt = clock.now();
      changed();
    },
    settle: (actual) => {
      const taken = shareOf(limits.of(widest), actual);
      correct(share, taken - charged);
      charged = taken;
      entry.cost = actual;
      changed();
    },
    release: (how, made) => {
      end({ end: how, made });
    },
    hold: (name, how) => {
      end({ end: how, heldAs: name });
    },
    unused: () => {
      if (!entry.released) correct(share, -charged);
      end({ unused: true });
    },
  };
}
