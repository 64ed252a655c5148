import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../../providers/limiter/clock.ts';

/** A clock that a test moves by hand: timers fire in order, and what they set off settles before the next one. */
export class VirtualClock implements Clock {
  private time: number;
  private readonly timers = new Set<{ at: number; run: () => void }>();

  constructor(start = 1_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run };
    this.timers.add(timer);
    return () => {
      this.timers.delete(timer);
    };
  }

  /** Sets the clock, forwards or backwards, without firing timers. */
  jump(ms: number): void {
    this.time += ms;
  }

  async advance(ms: number): Promise<void> {
    const end = this.time + ms;
    await turn();
    for (let timer = this.next(end); timer !== undefined; timer = this.next(end)) {
      this.timers.delete(timer);
      this.time = Math.max(this.time, timer.at);
      timer.run();
      await turn();
    }
    this.time = end;
  }

  private next(end: number): { at: number; run: () => void } | undefined {
    let first: { at: number; run: () => void } | undefined;
    for (const timer of this.timers) if (timer.at <= end && timer.at < (first?.at ?? Infinity)) first = timer;
    return first;
  }
}
