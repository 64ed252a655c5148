import { isUnbalanced, isWorthLoading, neediestFirst, type CheckpointGroup } from './checkpoint-group.ts';
import { serves, type EndpointView, type Situation, type WaitingJob } from './situation.ts';

/** So often another job goes first because its checkpoint is loaded; then it is the job's turn. */
export const mostOvertakes = 50;

interface Assignment<Job> {
  job: Job;
  /** Name. */
  endpoint: string;
  /** Whose turn it was, where that is another. */
  passedOver: Job | undefined;
}

/** An endpoint that leaves a place free although a job waits that it could run, because that may save a load. */
interface Hold {
  /** Name. */
  endpoint: string;
  /** When to look again if nothing happens before, milliseconds; undefined: something will. */
  forMs: number | undefined;
}

interface Proposal<Job> {
  endpoint: EndpointView;
  job: Job;
  passedOver: Job | undefined;
  /** It needs a load. */
  switches: boolean;
}

/**
 * The next job to hand out, if any. For a free place on an endpoint, of the jobs it serves: the most urgent
 * priority, and nothing less urgent while such a job waits. There, jobs whose prompt it has already; then one
 * that was passed over too often; then those whose checkpoint is loaded, unless others have far too much to do;
 * and others only if loading theirs is worth it. Among equals, the owner with the fewest jobs under way, then
 * order of arrival.
 *
 * Loading is worth it when the endpoints that have the checkpoint would come to the jobs later. An endpoint that
 * works decides that as late as it can without standing idle, because a job for what it has loaded may come.
 */
export function decide<Job extends WaitingJob>(
  situation: Situation<Job>,
): { assignment: Assignment<Job> | null; holds: Hold[] } {
  const holds: Hold[] = [];
  let best: Proposal<Job> | undefined;
  for (const endpoint of situation.endpoints) {
    if (endpoint.health !== 'alive' || endpoint.jobs >= situation.slots) continue;
    const proposal = propose(endpoint, situation);
    if (proposal === undefined) continue;
    if ('forMs' in proposal) holds.push(proposal);
    else if (best === undefined || compare(proposal, best) < 0) best = proposal;
  }
  if (best === undefined) return { assignment: null, holds };
  return { assignment: { job: best.job, endpoint: best.endpoint.name, passedOver: best.passedOver }, holds };
}

/** Idle endpoints before busy ones, then those with the checkpoint, the least busy, the most free memory. */
function compare(a: Proposal<WaitingJob>, b: Proposal<WaitingJob>): number {
  return (
    a.job.priority - b.job.priority ||
    a.endpoint.jobs - b.endpoint.jobs ||
    Number(a.switches) - Number(b.switches) ||
    a.endpoint.remainingMs - b.endpoint.remainingMs ||
    b.endpoint.vramFreeBytes - a.endpoint.vramFreeBytes
  );
}

function propose<Job extends WaitingJob>(
  endpoint: EndpointView,
  situation: Situation<Job>,
): Proposal<Job> | Hold | undefined {
  const served = situation.waiting.filter((job) => serves(endpoint, job, situation.endpoints));
  const priority = served.reduce((most, job) => Math.min(most, job.priority), Infinity);
  const jobs = served.filter((job) => job.priority === priority);
  const inTurn = (among: readonly Job[]) => firstInTurn(among, situation.jobsOf);
  const next = inTurn(jobs);
  if (next === undefined) return undefined;
  const isLoaded = (job: Job) => job.checkpoint === null || job.checkpoint === endpoint.checkpoint;
  const groups = neediestFirst(jobs, endpoint, situation);

  let job = inTurn(jobs.filter(({ prefer }) => prefer === endpoint.name));
  if (next.passedOver >= mostOvertakes) job ??= next;
  job ??= inTurn(loadedUnlessUnbalanced(jobs.filter(isLoaded), groups, endpoint, situation));
  if (job === undefined) {
    // Less urgent jobs may not go first: with such at hand, standing idle would not even save a load.
    const anyway = served.length > jobs.length || hasHeldLongEnough(endpoint);
    const chosen = timeToDecide(endpoint) > 0 ? undefined : firstWorthLoading(groups, endpoint, situation, anyway);
    if (chosen === undefined) return { endpoint: endpoint.name, forMs: lookAgainIn(endpoint, situation) };
    job = inTurn(chosen.jobs) ?? next;
  }
  return { endpoint, job, passedOver: job === next ? undefined : next, switches: !isLoaded(job) };
}

function firstInTurn<Job extends WaitingJob>(jobs: readonly Job[], jobsOf: (owner: string) => number): Job | undefined {
  let first: Job | undefined;
  for (const job of jobs) if (first === undefined || jobsOf(job.owner) < jobsOf(first.owner)) first = job;
  return first;
}

/** Jobs for what is loaded; but those of another group where that has far too few endpoints. */
function loadedUnlessUnbalanced<Job extends WaitingJob>(
  loaded: readonly Job[],
  groups: readonly CheckpointGroup<Job>[],
  endpoint: EndpointView,
  situation: Situation<Job>,
): readonly Job[] {
  const own = loaded.filter((job) => job.checkpoint !== null);
  const [group] = groups;
  return group !== undefined && isUnbalanced(own, group, endpoint, situation) ? group.jobs : loaded;
}

function firstWorthLoading<Job extends WaitingJob>(
  groups: readonly CheckpointGroup<Job>[],
  endpoint: EndpointView,
  situation: Situation<Job>,
  anyway: boolean,
): CheckpointGroup<Job> | undefined {
  return groups.find((group) => {
    if (anyway) return true;
    if (isEarly(group, endpoint, situation)) return false;
    return isWorthLoading(group, endpoint, situation);
  });
}

/**
 * Whether it is too early for an idle endpoint to load what others have loaded: jobs that come one by one in the
 * next moment tell better what it is needed for, and while they come, no checkpoint gets more than its even share
 * of the endpoints.
 */
function isEarly<Job extends WaitingJob>(
  { owners, jobs }: CheckpointGroup<Job>,
  endpoint: EndpointView,
  { endpoints, waiting, quietForMs }: Situation<Job>,
): boolean {
  if (owners === 0 || endpoint.jobs > 0) return false;
  if (jobs.length < 2 * (owners + 1) && endpoint.heldForMs < settleMs(endpoint)) return true;
  const checkpoints = new Set([...waiting, ...endpoints].map(({ checkpoint }) => checkpoint));
  checkpoints.delete(null);
  return quietForMs < settleMs(endpoint) && owners + 1 > Math.ceil(endpoints.length / checkpoints.size);
}

function settleMs({ loadMs }: EndpointView): number {
  return Math.min(250, loadMs / 10);
}

/** Standing idle longer than a load takes saves nothing, whatever the estimates say. */
function hasHeldLongEnough({ jobs, heldForMs, loadMs }: EndpointView): boolean {
  return jobs === 0 && heldForMs >= loadMs;
}

/**
 * Until an endpoint has to know what comes next: early enough to send a prompt while the one before runs, whose
 * files are fetched after it has ended.
 */
function timeToDecide({ checkpoint, jobs, remainingMs, runMs }: EndpointView): number {
  if (jobs === 0 || checkpoint === null) return 0;
  return remainingMs - Math.min(500, runMs / 5);
}

function lookAgainIn(
  endpoint: EndpointView,
  { quietForMs }: Pick<Situation<WaitingJob>, 'quietForMs'>,
): number | undefined {
  const { jobs, heldForMs, loadMs } = endpoint;
  if (jobs === 0) {
    const settled = [settleMs(endpoint) - heldForMs, settleMs(endpoint) - quietForMs].filter((ms) => ms > 0);
    return Math.min(...settled, loadMs - heldForMs);
  }
  const ms = timeToDecide(endpoint);
  return ms > 0 ? ms : undefined;
}
