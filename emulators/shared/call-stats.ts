import type { CallEnd } from './call-log.ts';
import { RateWindow } from './rate-window.ts';

/** Counts since the emulator started, as `GET /__emulator/calls` shows them. */
export class CallStats {
  #total = 0;
  #inFlight = 0;
  #maxInFlight = 0;
  readonly #byStatus = new Map<string, number>();
  readonly #byFault = new Map<string, number>();
  readonly #models = new Map<string, { total: number; minute: RateWindow }>();

  arrived(model: string, at: number): void {
    this.#total += 1;
    this.#inFlight += 1;
    this.#maxInFlight = Math.max(this.#maxInFlight, this.#inFlight);
    const counts = this.#models.get(model) ?? { total: 0, minute: new RateWindow(60_000) };
    this.#models.set(model, counts);
    counts.total += 1;
    counts.minute.add(at);
  }

  ended({ status, fault, aborted }: Pick<CallEnd, 'status' | 'fault' | 'aborted'>): void {
    this.#inFlight -= 1;
    const name = aborted || status === null ? 'aborted' : `${status}`;
    this.#byStatus.set(name, (this.#byStatus.get(name) ?? 0) + 1);
    if (fault !== null) this.#byFault.set(fault, (this.#byFault.get(fault) ?? 0) + 1);
  }

  toJSON(): object {
    return {
      total: this.#total,
      in_flight: this.#inFlight,
      max_in_flight: this.#maxInFlight,
      by_status: Object.fromEntries(this.#byStatus),
      by_fault: Object.fromEntries(this.#byFault),
      by_model: Object.fromEntries(
        [...this.#models].map(([model, { total, minute }]) => [model, { total, max_per_rolling_minute: minute.max }]),
      ),
    };
  }
}
