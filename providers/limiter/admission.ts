import { excess, shareOf, type Cost } from './capacity.ts';
import { charge, compareShares, forgo } from './fair-shares.ts';
import type { GrantEntry, GrantLog, KeyState } from './grant-log.ts';
import type { LiveLimits } from './live-limits.ts';
import type { Call, Lane, WaitingLine } from './waiting-line.ts';

/** A call that may go. */
export interface Granted<T extends Call> {
  call: T;
  lane: Lane<T>;
  entry: GrantEntry;
  /** The part of the widest key its project was charged for. */
  charged: number;
}

interface Admission<T extends Call> {
  granted: Granted<T>[];
  refused: T[];
  /** When the first of the others can go; infinite when that depends on calls under way here. */
  wakeAt: number;
}

/** A lane and the call that is first in it, as far as this round has come. */
interface Front<T extends Call> {
  lane: Lane<T>;
  first: T;
  arrival: number;
  rest: Iterator<[T, number]>;
}

/** How often to look whether another process gave back a place among the calls under way. */
const foreignReleaseMs = 100;

/**
 * Grants what the window allows: the most urgent first, then projects in turn, then their batches in turn,
 * each in order of arrival. A call that has to wait claims the narrowest key that holds it up, and whoever
 * wants that key waits behind it: so nobody is overtaken for ever, and a batch at its own limit does not hold
 * up others on the same model. Runs in a transaction of the log.
 */
export function admit<T extends Call>(
  line: WaitingLine<T>,
  log: GrantLog,
  limits: LiveLimits,
  now: number,
): Admission<T> {
  const granted: Granted<T>[] = [];
  const refused: T[] = [];
  const fronts = new Set<Front<T>>();
  for (const lane of line.lanes) {
    if (isRefused(lane, log)) refused.push(...lane.calls.keys());
    else advance(fronts, { lane, rest: lane.calls.entries() });
  }
  const states = new Map<string, KeyState>();
  let wakeAt = Infinity;
  for (let front = next(fronts); front !== undefined; front = next(fronts)) {
    const { lane, first } = front;
    fronts.delete(front);
    const hold = holdUp(lane, first.cost, { log, limits, states, now });
    if (hold !== null) {
      const { key, at } = hold;
      wakeAt = Math.min(wakeAt, at);
      for (const other of fronts) if (other.lane.keys.includes(key)) fronts.delete(other);
      if (key !== lane.keys[0]) forgo(lane.share);
      continue;
    }
    const charged = shareOf(limits.of(lane.keys[0] ?? ''), first.cost);
    charge(lane.share, charged);
    granted.push({ call: first, lane, entry: log.newGrant(lane.keys, first.cost, now), charged });
    // The next in line is to see what this one took.
    for (const key of lane.keys) states.delete(key);
    advance(fronts, front);
  }
  return { granted, refused, wakeAt };
}

function advance<T extends Call>(fronts: Set<Front<T>>, { lane, rest }: Pick<Front<T>, 'lane' | 'rest'>): void {
  const step = rest.next();
  if (step.done === true) return;
  const [first, arrival] = step.value;
  fronts.add({ lane, first, arrival, rest });
}

function next<T extends Call>(fronts: ReadonlySet<Front<T>>): Front<T> | undefined {
  let best: Front<T> | undefined;
  for (const front of fronts) if (best === undefined || compareFronts(front, best) < 0) best = front;
  return best;
}

function compareFronts(a: Front<Call>, b: Front<Call>): number {
  return a.lane.priority - b.lane.priority || compareShares(a.lane.share, b.lane.share) || a.arrival - b.arrival;
}

function isRefused({ revisions }: Lane<Call>, log: GrantLog): boolean {
  for (const [key, revision] of revisions) if (revision <= (log.refusedUpTo(key) ?? -Infinity)) return true;
  return false;
}

interface Situation {
  log: GrantLog;
  limits: LiveLimits;
  states: Map<string, KeyState>;
  now: number;
}

/** The narrowest key that holds a call up, and when all of them let it through; null: now. */
function holdUp(
  { keys }: Lane<Call>,
  cost: Cost,
  { log, limits, states, now }: Situation,
): { key: string; at: number } | null {
  let narrowest: string | undefined;
  let at = now;
  for (const key of keys) {
    const state = states.get(key) ?? log.state(key);
    states.set(key, state);
    const freeAt = keyFreeAt(key, state, cost, log, limits, now);
    if (freeAt <= now) continue;
    narrowest = key;
    at = Math.max(at, freeAt);
  }
  return narrowest === undefined ? null : { key: narrowest, at };
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
  const places = Math.min(limits.concurrency ?? Infinity, state.ceiling ?? Infinity);
  if (state.inFlight > 0 && state.inFlight >= places) {
    // Our own releases wake us; those of other processes have to be looked for.
    at = Math.max(at, state.foreign > 0 ? now + foreignReleaseMs : Infinity);
  }
  return at;
}
