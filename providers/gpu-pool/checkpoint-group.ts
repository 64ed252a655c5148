import { serves, type EndpointView, type Situation, type WaitingJob } from './situation.ts';

/** Jobs that wait for one checkpoint, as seen by an endpoint that has another one. */
export interface CheckpointGroup<Job> {
  checkpoint: string;
  /** In order of arrival. */
  jobs: Job[];
  /** Other endpoints that take work and have the checkpoint, or will have it. */
  owners: number;
}

/** Groups no other endpoint has the checkpoint of come first, then those with the most jobs for each that has. */
export function neediestFirst<Job extends WaitingJob>(
  jobs: readonly Job[],
  endpoint: EndpointView,
  { endpoints }: Situation<Job>,
): CheckpointGroup<Job>[] {
  const groups = new Map<string, CheckpointGroup<Job>>();
  for (const job of jobs) {
    const { checkpoint } = job;
    if (checkpoint === null || checkpoint === endpoint.checkpoint) continue;
    const group = groups.get(checkpoint);
    if (group !== undefined) group.jobs.push(job);
    else groups.set(checkpoint, { checkpoint, jobs: [job], owners: ownersOf(job, endpoint, endpoints).length });
  }
  return [...groups.values()].sort((a, b) => {
    if ((a.owners === 0) !== (b.owners === 0)) return a.owners - b.owners;
    return b.jobs.length / Math.max(1, b.owners) - a.jobs.length / Math.max(1, a.owners);
  });
}

/**
 * Whether an endpoint should leave the jobs for what it has loaded to the others that have it too, because a
 * group is served by too few: after that, the group still has twice as many jobs for each endpoint, and they
 * take longer than the load. Found out only when the work of one side ends, it would be several loads at once.
 */
export function isUnbalanced<Job extends WaitingJob>(
  own: readonly Job[],
  group: CheckpointGroup<Job>,
  endpoint: EndpointView,
  { endpoints }: Situation<Job>,
): boolean {
  const [sample] = own;
  if (sample === undefined) return false;
  const left = ownersOf(sample, endpoint, endpoints).length;
  const each = group.jobs.length / (group.owners + 1);
  return left > 0 && each * endpoint.runMs > endpoint.loadMs && each >= (2 * own.length) / left;
}

/**
 * Whether an endpoint that loads the checkpoint of a group would spare its jobs waiting. What counts is when
 * the last of them would start on the endpoints that have it: whichever job one takes, the rest moves up.
 */
export function isWorthLoading<Job extends WaitingJob>(
  group: CheckpointGroup<Job>,
  endpoint: EndpointView,
  { endpoints, waiting }: Situation<Job>,
): boolean {
  const ownStartMs = endpoint.remainingMs + endpoint.loadMs;
  const priority = group.jobs[0]?.priority ?? 0;
  const others = endpoints
    .filter((other) => isOwner(other, group.checkpoint, endpoint))
    .map((other) => ({ other, freeInMs: other.remainingMs }));
  for (const job of waiting) {
    if (job.checkpoint !== group.checkpoint || job.priority > priority) continue;
    let first: (typeof others)[number] | undefined;
    for (const candidate of others) {
      const isSooner = first === undefined || candidate.freeInMs < first.freeInMs;
      if (isSooner && serves(candidate.other, job, endpoints)) first = candidate;
    }
    if ((first?.freeInMs ?? Infinity) > ownStartMs && serves(endpoint, job, endpoints)) return true;
    if (first !== undefined) first.freeInMs += first.other.runMs;
  }
  return false;
}

/** Other endpoints that could run a job without a load. */
function ownersOf(job: WaitingJob, endpoint: EndpointView, endpoints: readonly EndpointView[]): EndpointView[] {
  return endpoints.filter((other) => isOwner(other, job.checkpoint, endpoint) && serves(other, job, endpoints));
}

function isOwner(other: EndpointView, checkpoint: string | null, endpoint: EndpointView): boolean {
  return other !== endpoint && other.health === 'alive' && other.checkpoint === checkpoint;
}
