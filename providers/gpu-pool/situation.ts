import type { EndpointHealth, GpuJob } from './types.ts';

/** An endpoint as a decision sees it. */
export interface EndpointView {
  name: string;
  classes: readonly string[];
  health: EndpointHealth;
  /** Checkpoint of the job it was given last; null: not known. */
  checkpoint: string | null;
  /** Jobs of ours it has. */
  jobs: number;
  /** Until it has done them, as far as can be told. */
  remainingMs: number;
  /** How long it has stood idle although there was work it could have loaded a checkpoint for. */
  heldForMs: number;
  /** Estimates for it. */
  runMs: number;
  loadMs: number;
  vramFreeBytes: number;
  vramTotalBytes: number;
}

export interface WaitingJob extends GpuJob {
  /** How often it was its turn, and another went first because its checkpoint was loaded. */
  passedOver: number;
}

export interface Situation<Job extends WaitingJob> {
  /** Jobs an endpoint may have: one that runs, the others behind it. */
  slots: number;
  endpoints: readonly EndpointView[];
  /** In order of arrival. */
  waiting: readonly Job[];
  /** Since the last of them came. */
  quietForMs: number;
  /** Jobs of an owner that are on any endpoint. */
  jobsOf: (owner: string) => number;
}

/** Whether a job may ever go to an endpoint as things are. */
export function serves(endpoint: EndpointView, job: GpuJob, endpoints: readonly EndpointView[]): boolean {
  if (job.prefer !== undefined) {
    const preferred = endpoints.find(({ name }) => name === job.prefer);
    if (preferred !== undefined && preferred.health !== 'dead') return preferred === endpoint;
  }
  const { minVramBytes = 0, avoid = [] } = job;
  const canServe = ({ name, classes }: EndpointView): boolean =>
    classes.includes(job.gpuClass) && !avoid.includes(name);
  if (!canServe(endpoint)) return false;
  if (endpoint.vramTotalBytes >= minVramBytes) return true;
  // Where no GPU of the class has as much, a small one does it in smaller prompts.
  return !endpoints.some((other) => canServe(other) && other.vramTotalBytes >= minVramBytes);
}
