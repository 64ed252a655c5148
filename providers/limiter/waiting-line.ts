import type { Cost } from './capacity.ts';
import { FairShares, type Share } from './fair-shares.ts';

/** Whose turn it is, besides the order of arrival. */
export interface Turn {
  /** 1 goes first, 5 last. */
  priority: number;
  /** Of one priority, projects take turns. */
  project: string;
}

/** A call that waits for leave. */
export interface Call {
  /** From the widest to the narrowest. */
  keys: readonly string[];
  cost: Cost;
  /** Of the keys that have one: a key can refuse its calls up to a revision. */
  revisions: ReadonlyMap<string, number>;
  turn: Turn;
}

/** Calls that differ in nothing but their cost, in order of arrival: the first stands for all behind it. */
export interface Lane<T extends Call> {
  keys: readonly string[];
  revisions: ReadonlyMap<string, number>;
  priority: number;
  /** With the number of each among all arrivals. */
  calls: Map<T, number>;
  /** What its project, and within it its batch, have had of the widest key. */
  share: Share;
}

/** All calls of this process that wait. What is decided for the first of a lane costs the same with thousands behind it. */
export class WaitingLine<T extends Call> {
  private readonly byId = new Map<string, Lane<T>>();
  private readonly shares = new FairShares();
  private arrivals = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  get lanes(): Iterable<Lane<T>> {
    return this.byId.values();
  }

  add(call: T): void {
    const id = idOf(call);
    let lane = this.byId.get(id);
    if (lane === undefined) {
      const { keys, revisions, turn } = call;
      const pool = `${String(turn.priority)} ${keys[0] ?? ''}`;
      const share = this.shares.enter(pool, turn.project, keys.at(-1) ?? '');
      lane = { keys, revisions, priority: turn.priority, calls: new Map(), share };
      this.byId.set(id, lane);
    }
    this.arrivals += 1;
    lane.calls.set(call, this.arrivals);
    this.count += 1;
  }

  delete(call: T): void {
    const id = idOf(call);
    const lane = this.byId.get(id);
    if (lane?.calls.delete(call) !== true) return;
    this.count -= 1;
    if (lane.calls.size > 0) return;
    this.byId.delete(id);
    this.shares.leave(lane.share);
  }

  /** All calls, to be told the same. */
  everyone(): T[] {
    return [...this.byId.values()].flatMap(({ calls }) => [...calls.keys()]);
  }
}

function idOf({ keys, revisions, turn }: Call): string {
  return JSON.stringify([turn.priority, turn.project, keys, [...revisions]]);
}
