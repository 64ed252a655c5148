import { createGpuPool } from '../../../providers/gpu-pool/pool.ts';
import type { GpuJob } from '../../../providers/gpu-pool/types.ts';
import { aliveClient } from './fake-client.ts';
import { VirtualClock } from '../limiter/virtual-clock.ts';

interface Simulation {
  gpus: number;
  jobs: (GpuJob & { runMs: number })[];
  loadMs: number;
  /** Jobs that wait or run at a time; the next one comes when one ends. @default all */
  window?: number;
  /** Between two of the first jobs. @default 0 */
  apartMs?: number;
  /** From the lease to the server's queue, and from the end of the prompt to the release. @default 0 */
  latencyMs?: number;
}

interface SimulationResult {
  loads: number;
  /** Of all GPUs, loads included, until the first of them has nothing left to do anywhere. */
  busyShare: number;
  /** Most jobs one endpoint had at a time. */
  mostJobs: number;
}

const never = new AbortController().signal;

/** A virtual GPU: works its queue in order, loads a checkpoint unless it is loaded. */
class VirtualGpu {
  loads = 0;
  leases = 0;
  readonly worked: { from: number; to: number }[] = [];
  readonly #clock: VirtualClock;
  readonly #loadMs: number;
  #loaded: string | null = null;
  #freeAt = 0;

  constructor(clock: VirtualClock, loadMs: number) {
    this.#clock = clock;
    this.#loadMs = loadMs;
  }

  run(job: GpuJob & { runMs: number }, ended: (tookMs: number) => void): void {
    const loads = job.checkpoint !== null && job.checkpoint !== this.#loaded;
    if (loads) {
      this.loads += 1;
      this.#loaded = job.checkpoint;
    }
    const tookMs = job.runMs + (loads ? this.#loadMs : 0);
    const from = Math.max(this.#freeAt, this.#clock.now());
    this.#freeAt = from + tookMs;
    this.worked.push({ from, to: this.#freeAt });
    this.#clock.after(this.#freeAt - this.#clock.now(), () => ended(tookMs));
  }
}

/** Runs jobs through a pool over virtual GPUs, in virtual time. */
export async function simulate(simulation: Simulation): Promise<SimulationResult> {
  const { jobs, loadMs, window = jobs.length, apartMs = 0, latencyMs = 0 } = simulation;
  const clock = new VirtualClock();
  const start = clock.now();
  const gpus = new Map<string, VirtualGpu>();
  for (let n = 0; n < simulation.gpus; n++) gpus.set(`gpu-${n}`, new VirtualGpu(clock, loadMs));
  const pool = createGpuPool({
    endpoints: [...gpus.keys()].map((name) => ({ name, url: `http://${name}`, classes: ['any'] })),
    createClient: () => aliveClient(),
    clock,
  });
  const rest = [...jobs];
  let done = 0;
  let mostJobs = 0;
  let lastLeaseAt = 0;

  async function runNext(): Promise<void> {
    const job = rest.shift();
    if (job === undefined) return;
    const lease = await pool.acquire(job, never);
    const gpu = gpus.get(lease.endpoint.name)!;
    lastLeaseAt = clock.now();
    gpu.leases += 1;
    mostJobs = Math.max(mostJobs, gpu.leases);
    clock.after(latencyMs, () => {
      gpu.run(job, (runMs) => {
        clock.after(latencyMs, () => {
          gpu.leases -= 1;
          done += 1;
          lease.release({ runMs });
          void runNext();
        });
      });
    });
  }
  for (let n = 0; n < window; n++) {
    if (apartMs === 0) void runNext();
    else clock.after(n * apartMs, () => void runNext());
  }
  for (let n = 0; done < jobs.length; n++) {
    if (n > 100_000) throw new Error(`Only ${done} of ${jobs.length} jobs were served.`);
    await clock.advance(1_000);
  }
  pool.close();

  const all = [...gpus.values()];
  const ends = all.map((gpu) => Math.max(lastLeaseAt, gpu.worked.at(-1)?.to ?? 0));
  const end = Math.min(...ends);
  const busyMs = all
    .flatMap((gpu) => gpu.worked)
    .reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, end) - from), 0);
  return {
    loads: all.reduce((sum, gpu) => sum + gpu.loads, 0),
    busyShare: busyMs / (all.length * (end - start)),
    mostJobs,
  };
}

/** A sequence of numbers in [0, 1) that is the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
