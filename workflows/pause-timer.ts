import { CancellationScope, isCancellation, sleep } from '@temporalio/workflow';
import type { Pause } from '../domain/batch.ts';

/**
 * Shows a pause on the timeline of Temporal's Web UI, where a batch that waits would look like one that
 * hangs: a timer with the reason as its summary, which ends when the pause does. Three events a pause. Of a
 * pause that ends by itself, the timer ends it.
 */
export class PauseTimer {
  private shown: string | null = null;
  private scope: CancellationScope | null = null;
  private readonly onOver: () => void;

  constructor(onOver: () => void) {
    this.onOver = onOver;
  }

  show(pause: Pause | null): void {
    if ((pause?.since ?? null) === this.shown) return;
    this.scope?.cancel();
    this.scope = null;
    this.shown = pause?.since ?? null;
    if (pause === null) return;
    const scope = new CancellationScope({ cancellable: true });
    this.scope = scope;
    const { until } = pause;
    const length = until === undefined ? '3650 days' : Math.max(1, Date.parse(until) - Date.now());
    void scope
      .run(() => sleep(length, { summary: `PAUSED: ${pause.reason}`.slice(0, 200) }))
      .then(() => {
        if (until !== undefined) this.onOver();
      })
      .catch((error: unknown) => {
        if (!isCancellation(error)) throw error;
      });
  }
}
