import type { ComfyClient } from '../comfyui/client.ts';
import { Estimates } from './estimates.ts';
import type { EndpointView } from './situation.ts';
import type { EndpointHealth, GpuDevice, GpuEndpoint, GpuJob, GpuLeaseEnd, GpuPoolSnapshot } from './types.ts';

/** A job on an endpoint. */
export interface Placed {
  job: GpuJob;
  /** What was to be loaded before it. */
  checkpointBefore: string | null;
  switches: boolean;
}

/** What a pool knows of one endpoint. Times are those of the pool's clock. */
export class EndpointState {
  readonly endpoint: GpuEndpoint;
  readonly client: ComfyClient;
  device: GpuDevice | null = null;
  readonly #estimates: Estimates;
  #health: EndpointHealth = 'starting';
  #error: string | null = null;
  #healthSince: number;
  #checkpoint: string | null = null;
  /** In the order the endpoint runs them. */
  readonly #placed: Placed[] = [];
  /** Since when the first of them runs. */
  #runsSince = 0;
  #heldSince: number | undefined;

  constructor(endpoint: GpuEndpoint, client: ComfyClient, others: Estimates, now: number) {
    this.endpoint = endpoint;
    this.client = client;
    this.#estimates = new Estimates(others);
    this.#healthSince = now;
  }

  isAlive(device: GpuDevice, now: number): void {
    this.device = device;
    this.#become('alive', null, now);
  }

  /** It may come back as a new process, so nothing is known to be loaded. */
  isDead(error: string, now: number): void {
    this.#checkpoint = null;
    this.#become('dead', error, now);
  }

  place(job: GpuJob, now: number): Placed {
    const switches = job.checkpoint !== null && job.checkpoint !== this.#checkpoint;
    const placed = { job, checkpointBefore: this.#checkpoint, switches };
    if (this.#placed.length === 0) this.#runsSince = now;
    this.#placed.push(placed);
    this.#checkpoint = job.checkpoint ?? this.#checkpoint;
    this.#heldSince = undefined;
    return placed;
  }

  end(placed: Placed, { failed = false, runMs, checkpoint }: GpuLeaseEnd, now: number): void {
    const at = this.#placed.indexOf(placed);
    const isLast = at === this.#placed.length - 1;
    this.#placed.splice(at, 1);
    if (at === 0) this.#runsSince = now;
    if (failed) this.isDead(`${this.endpoint.name} did not answer.`, now);
    if (runMs !== undefined) this.#estimates.learn(runMs, placed.switches);
    // What is loaded once all have run is up to the last one.
    if (failed || !isLast) return;
    if (checkpoint !== undefined) this.#checkpoint = checkpoint;
    else if (runMs === undefined && placed.switches && this.#health === 'alive') {
      this.#checkpoint = placed.checkpointBefore;
    } else if (runMs !== undefined) this.#checkpoint = placed.job.checkpoint ?? this.#checkpoint;
  }

  /** Notes whether it stands idle in the hope of saving a load. */
  hold(isHeld: boolean, now: number): void {
    this.#heldSince = isHeld && this.#placed.length === 0 ? (this.#heldSince ?? now) : undefined;
  }

  view(now: number): EndpointView {
    return {
      name: this.endpoint.name,
      classes: this.endpoint.classes,
      health: this.#health,
      checkpoint: this.#checkpoint,
      jobs: this.#placed.length,
      remainingMs: this.#remainingMs(now),
      heldForMs: this.#heldSince === undefined ? 0 : now - this.#heldSince,
      runMs: this.#estimates.runMs,
      loadMs: this.#estimates.loadMs,
      vramFreeBytes: this.device?.vramFreeBytes ?? 0,
      vramTotalBytes: this.device?.vramTotalBytes ?? 0,
    };
  }

  snapshot(now: number): GpuPoolSnapshot['endpoints'][number] {
    const running = Math.min(1, this.#placed.length);
    return {
      ...this.endpoint,
      health: this.#health,
      healthForMs: now - this.#healthSince,
      error: this.#error,
      device: this.device,
      checkpoint: this.#checkpoint,
      running,
      queued: this.#placed.length - running,
    };
  }

  #remainingMs(now: number): number {
    const { runMs, loadMs } = this.#estimates;
    const [first, ...others] = this.#placed.map(({ switches }) => (switches ? loadMs + runMs : runMs));
    if (first === undefined) return 0;
    return others.reduce((sum, ms) => sum + ms, Math.max(0, first - (now - this.#runsSince)));
  }

  #become(health: EndpointHealth, error: string | null, now: number): void {
    if (this.#health !== health) this.#healthSince = now;
    this.#health = health;
    this.#error = error;
  }
}
