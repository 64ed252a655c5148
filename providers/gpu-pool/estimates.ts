/** Of SDXL on a consumer card; only until something was measured. */
const defaultRunMs = 3_000;
const defaultLoadMs = 8_000;

/** Weight of the newest measurement: the last ten or so count. */
const newest = 0.2;

/**
 * How long jobs run and checkpoints load on one endpoint, milliseconds: moving averages of what was measured
 * there, else of what was measured on all endpoints together (`others`), else defaults.
 */
export class Estimates {
  readonly #others: Estimates | undefined;
  #runMs: number | undefined;
  #loadMs: number | undefined;
  /** A run with a load, from before the two could be told apart. */
  #unsplitMs: number | undefined;

  constructor(others?: Estimates) {
    this.#others = others;
  }

  get runMs(): number {
    return this.#runMs ?? this.#others?.runMs ?? defaultRunMs;
  }

  get loadMs(): number {
    return this.#loadMs ?? this.#others?.loadMs ?? defaultLoadMs;
  }

  /** @param loaded whether the job had its checkpoint loaded first: what it took beyond a usual run was that */
  learn(runMs: number, loaded: boolean): void {
    this.#others?.learn(runMs, loaded);
    if (!loaded) {
      this.#runMs = average(this.#runMs, runMs);
      if (this.#unsplitMs !== undefined) this.#learnLoad(this.#unsplitMs - this.#runMs);
      this.#unsplitMs = undefined;
    } else if (this.#runMs !== undefined) {
      this.#learnLoad(runMs - this.#runMs);
    } else {
      this.#unsplitMs = runMs;
    }
  }

  #learnLoad(ms: number): void {
    this.#loadMs = average(this.#loadMs, Math.max(0, ms));
  }
}

function average(before: number | undefined, value: number): number {
  return before === undefined ? value : before + newest * (value - before);
}
