/** Counts events in any rolling window. Times are milliseconds and must not go back. */
export class RateWindow {
  /** The most events any window held so far. */
  max = 0;
  readonly #windowMs: number;
  #times: number[] = [];
  #oldest = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(at: number): void {
    this.#forget(at);
    this.#times.push(at);
    this.max = Math.max(this.max, this.#times.length - this.#oldest);
  }

  /** How long from `at` until one more event fits under `limit` in every window; 0: it fits now. */
  waitMs(at: number, limit: number): number {
    this.#forget(at);
    const blocking = this.#times[Math.max(this.#oldest, this.#times.length - limit)];
    return blocking === undefined || this.#times.length - this.#oldest < limit ? 0 : blocking + this.#windowMs - at;
  }

  #forget(at: number): void {
    let first = this.#times[this.#oldest];
    while (first !== undefined && first <= at - this.#windowMs) first = this.#times[++this.#oldest];
    if (this.#oldest > 10_000) {
      this.#times = this.#times.slice(this.#oldest);
      this.#oldest = 0;
    }
  }
}
