import { RateWindow } from './rate-window.ts';

const minuteMs = 60_000;

/** Rate limits of a vendor: requests and tokens of each model in any rolling minute. */
export class CallGate {
  readonly #rpm: number | null;
  readonly #tpm: number | null;
  readonly #requests = new Map<string, RateWindow>();
  readonly #tokens = new Map<string, { at: number; tokens: number }[]>();

  constructor({ rpm, tpm }: { rpm: number | null; tpm: number | null }) {
    this.#rpm = rpm;
    this.#tpm = tpm;
  }

  /** Lets a request through, or says how long it is too early, milliseconds; 0: it is counted. */
  waitMs(model: string, at: number): number {
    if (this.#rpm === null) return 0;
    const window = this.#requests.get(model) ?? new RateWindow(minuteMs);
    this.#requests.set(model, window);
    const waitMs = window.waitMs(at, this.#rpm);
    if (waitMs <= 0) window.add(at);
    return waitMs;
  }

  /** The same for tokens: let through while those of the last minute are fewer than the limit. */
  tokenWaitMs(model: string, at: number): number {
    if (this.#tpm === null) return 0;
    const used = this.#since(model, at - minuteMs);
    let sum = used.reduce((total, { tokens }) => total + tokens, 0);
    for (const { at: then, tokens } of used) {
      if (sum < this.#tpm) break;
      sum -= tokens;
      if (sum < this.#tpm) return then + minuteMs - at;
    }
    return 0;
  }

  /** Counts what a call used. */
  used(model: string, at: number, tokens: number): void {
    if (this.#tpm !== null) this.#since(model, at - minuteMs).push({ at, tokens });
  }

  #since(model: string, from: number): { at: number; tokens: number }[] {
    const kept = (this.#tokens.get(model) ?? []).filter(({ at }) => at > from);
    this.#tokens.set(model, kept);
    return kept;
  }
}
