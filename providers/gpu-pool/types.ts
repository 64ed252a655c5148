import type { ComfyClient, ComfyDevice } from '../comfyui/client.ts';

/** A ComfyUI server, and so a GPU. */
export interface GpuEndpoint {
  /** Unique among the endpoints of a pool. */
  name: string;
  /** e.g. `http://gpu-1:8188`. */
  url: string;
  /** The classes of jobs it serves, e.g. `any` and `24gb`. */
  classes: readonly string[];
}

export interface GpuJob {
  /** Endpoints that have it among their classes serve the job. */
  gpuClass: string;
  /** What has to be loaded; null: no matter. */
  checkpoint: string | null;
  /** Endpoints with less memory are passed over, as long as one of the class has as much. @default 0 */
  minVramBytes?: number;
  /** 1 first, 5 last: Temporal's priority key. */
  priority: number;
  /** Batch id: owners take turns within a priority. */
  owner: string;
  /**
   * Name of the endpoint an earlier attempt of this job left a prompt on: the job goes there and nowhere
   * else, unless that endpoint is dead or no longer known.
   */
  prefer?: string;
  /** Names of endpoints it does not go to: they have not what it needs. */
  avoid?: readonly string[];
}

export type GpuDevice = Omit<ComfyDevice, 'type'>;

/** How a job on an endpoint ended. */
export interface GpuLeaseEnd {
  /** The endpoint did not answer: it is taken as dead until a probe started from now on succeeds. */
  failed?: boolean;
  /**
   * How long the GPU worked, a load included, milliseconds: what estimates are learned from. Without it the
   * job is taken as one that did not run, and so changed nothing of what is loaded.
   */
  runMs?: number;
  /** What is loaded now, where it is not the job's checkpoint, e.g. null after running out of memory. */
  checkpoint?: string | null;
}

/** A place on an endpoint, for one job. */
export interface GpuLease {
  endpoint: GpuEndpoint;
  client: ComfyClient;
  /** As the last probe saw it, bytes. */
  device: GpuDevice;
  /** Gives the place back. Call it once, however the job ended; further calls do nothing. */
  release: (end?: GpuLeaseEnd) => void;
}

/** `starting` until its first probe has ended. */
export type EndpointHealth = 'starting' | 'alive' | 'dead';

export interface GpuPoolSnapshot {
  endpoints: {
    name: string;
    url: string;
    classes: readonly string[];
    health: EndpointHealth;
    /** How long it has been so, milliseconds. */
    healthForMs: number;
    /** Why it is dead. */
    error: string | null;
    /** Null until a first probe succeeded. */
    device: GpuDevice | null;
    /** What is loaded once all our jobs there have run; null: not known. */
    checkpoint: string | null;
    /** Jobs of ours: those that run, and those behind them. */
    running: number;
    queued: number;
  }[];
  /** Jobs that wait for a place, by class and priority. */
  waiting: { gpuClass: string; priority: number; jobs: number }[];
}

/** Decides which waiting job goes to which endpoint, and when. */
export interface GpuPool {
  /**
   * Waits for a place: see `decide` for the order. A job whose endpoints are all dead waits for one to return.
   *
   * @throws the signal's reason when aborted; SluiceError CONFIG_INVALID when no endpoint serves the class;
   * UNAVAILABLE when the pool is closed.
   */
  acquire(job: GpuJob, signal: AbortSignal): Promise<GpuLease>;
  /** The servers of a class, whatever is known of their health. */
  endpointsOf(gpuClass: string): { endpoint: GpuEndpoint; client: ComfyClient }[];
  snapshot(): GpuPoolSnapshot;
  /** Rejects all that wait and ends the probes; jobs on an endpoint may go on to their end. */
  close(): void;
}
