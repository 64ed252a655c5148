import { excess, type Cost } from './capacity.ts';
import type { GrantEntry, GrantLog, KeyState } from './grant-log.ts';
import type { LiveLimits } from './live-limits.ts';

/** A call that waits for leave. */
export interface Call {
  /** From the widest to the narrowest. */
  keys: readonly string[];
  cost: Cost;
  /** Of the keys that have one: a key can refuse its calls up to a revision. */
  revisions: ReadonlyMap<string, number>;
}

interface Admission<T> {
  granted: { call: T; entry: GrantEntry }[];
  refused: T[];
  /** When the first of the others can go; infinite when that depends on calls under way here. */
  wakeAt: number;
}

/** How often to look whether another process gave back a place among the calls under way. */
const foreignReleaseMs = 100;

/**
 * Grants what the window allows, in order of arrival. A call that has to wait claims the narrowest key
 * that holds it up, and whoever wants that key waits behind it: so nobody is overtaken for ever, and a
 * batch at its own limit does not hold up other batches on the same model. Runs in a transaction of the log.
 */
export function admit<T extends Call>(
  calls: Iterable<T>,
  log: GrantLog,
  limits: LiveLimits,
  now: number,
): Admission<T> {
  const granted: Admission<T>['granted'] = [];
  const refused: T[] = [];
  const states = new Map<string, KeyState>();
  const claimed = new Set<string>();
  let wakeAt = Infinity;
  for (const call of calls) {
    if (isRefused(call, log)) {
      refused.push(call);
      continue;
    }
    if (call.keys.some((key) => claimed.has(key))) continue;
    let narrowest: string | undefined;
    let at = now;
    for (const key of call.keys) {
      const state = states.get(key) ?? log.state(key);
      states.set(key, state);
      const freeAt = keyFreeAt(key, state, call.cost, log, limits, now);
      if (freeAt <= now) continue;
      narrowest = key;
      at = Math.max(at, freeAt);
    }
    if (narrowest !== undefined) {
      claimed.add(narrowest);
      wakeAt = Math.min(wakeAt, at);
      continue;
    }
    granted.push({ call, entry: log.newGrant(call.keys, call.cost, now) });
    // The next in line is to see what this one took.
    for (const key of call.keys) states.delete(key);
  }
  return { granted, refused, wakeAt };
}

function isRefused({ revisions }: Call, log: GrantLog): boolean {
  for (const [key, revision] of revisions) if (revision <= (log.refusedUpTo(key) ?? -Infinity)) return true;
  return false;
}

/** When a call of this cost can have the key; `now` or earlier: at once. */
function keyFreeAt(
  key: string,
  state: KeyState,
  cost: Cost,
  log: GrantLog,
  liveLimits: LiveLimits,
  now: number,
): number {
  const limits = liveLimits.of(key);
  const need = excess(limits, state, cost);
  let at = state.blockedUntil;
  if (need.requests > 0 || need.tokens > 0 || need.images > 0) at = Math.max(at, log.freeAt(key, need));
  if (state.inFlight > 0 && state.inFlight >= (limits.concurrency ?? Infinity)) {
    // Our own releases wake us; those of other processes have to be looked for.
    at = Math.max(at, state.foreign > 0 ? now + foreignReleaseMs : Infinity);
  }
  return at;
}
