import type { WorkflowClient } from '@temporalio/client';
import {
  Worker,
  type ActivityInterceptorsFactory,
  type InjectedSinks,
  type NativeConnection,
  type WorkerOptions,
} from '@temporalio/worker';
import { createCoreActivities, createGpuActivities, createModelActivities } from '../activities/create-activities.ts';
import type { DeliverEventsDeps } from '../activities/deliver-events.ts';
import type { Observer } from '../activities/observer.ts';
import type { StageRun } from '../activities/stage-run.ts';
import type { EventActivities } from '../activities/types.ts';
import { coreTaskQueue, gpuTaskQueue, modelTaskQueue, providerModes, type ProviderMode } from '../domain/ids.ts';
import type { HostRules } from '../domain/host-rules.ts';
import type { ModelsFile } from '../domain/models.ts';
import type { GpuPool } from '../providers/gpu-pool/types.ts';
import type { Limiter } from '../providers/limiter/limiter.ts';
import type { FindProviders } from '../providers/provider-set.ts';
import type { ResultCache } from '../storage/result-cache.ts';
import type { Tracing } from '../client/tracing/types.ts';
import type { Ledger } from '../storage/ledger/ledger.ts';
import { openStore } from '../storage/open-store.ts';
import type { TracingSinks } from '../workflows/tracing.ts';
import { workerIdentity } from './worker-identity.ts';

export interface WorkerDeps {
  connection: NativeConnection;
  namespace: string;
  client: WorkflowClient;
  workflowBundlePath: string;
  models: ModelsFile;
  limiter: Limiter;
  /** Of models whose vendor is not served in a mode, that queue is not polled. */
  providers: FindProviders;
  ledger: Ledger;
  /** GPUs of this process, by the mode of the batches they work for. */
  gpus: Partial<Record<ProviderMode, GpuPool>>;
  /** Where flows' `${env:NAME}` are looked up. @default the process's own */
  env?: Readonly<Record<string, string | undefined>>;
  /** Results that batches may use again. @default none */
  cache?: ResultCache;
  /** Hosts that flows may ask, and source images be fetched from. @default every public one */
  http?: HostRules;
  /** How long a GPU's server may be silent before its items go elsewhere, milliseconds. @default 10000 */
  gpuPatienceMs?: number | undefined;
  stageRun: StageRun;
  tellFailedRun: EventActivities['tellFailedRun'];
  /** Finds addresses and secrets of those who are told. */
  resolveTarget: DeliverEventsDeps['resolveTarget'];
  retryDelaysMs?: DeliverEventsDeps['retryDelaysMs'];
  /** Aborted before the workers are shut down, with the failure of what has not begun. */
  stopping?: AbortSignal;
  /** Told what activities do. @default nobody */
  observer?: Required<Observer>;
  /** Where spans go. @default nowhere */
  tracing?: Pick<Tracing, 'record'> & { activities: ActivityInterceptorsFactory };
}

/**
 * Items that wait in this process for one of its GPUs, so that it can choose among them; a GPU each. More than
 * one batch has at a time (50): an urgent item finds a place at once, and not when a prompt has ended.
 */
const waitingPerGpu = 64;

/**
 * The workers of one process: one for workflows and light activities, one for each model and mode this
 * process can serve, so that a model's calls never wait behind another model's, and one for each class of
 * its GPUs.
 */
export async function createWorkers(deps: WorkerDeps): Promise<Worker[]> {
  const { connection, namespace, models, tracing, http = { allow: [] } } = deps;
  // There in any case: workflows of a trace go on where none are made any more.
  const sinks: InjectedSinks<TracingSinks> = { tracing: { ended: { fn: (_, span) => tracing?.record(span) } } };
  const common = {
    connection,
    namespace,
    interceptors: { activity: tracing === undefined ? [] : [tracing.activities] },
    identity: workerIdentity(),
    shutdownGraceTime: '8 seconds',
  } satisfies Partial<WorkerOptions>;
  const core = Worker.create({
    ...common,
    taskQueue: coreTaskQueue,
    workflowBundle: { codePath: deps.workflowBundlePath },
    sinks,
    activities: createCoreActivities({
      client: deps.client,
      limiter: deps.limiter,
      ledger: deps.ledger,
      models,
      openStore,
      stopping: deps.stopping,
      observer: deps.observer,
      stageRun: deps.stageRun,
      tellFailedRun: deps.tellFailedRun,
      http,
      env: deps.env ?? process.env,
      resolveTarget: deps.resolveTarget,
      retryDelaysMs: deps.retryDelaysMs,
    }),
    // One per item re-attached to after continue-as-new; each only waits.
    maxConcurrentActivityTaskExecutions: 2_000,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxCachedWorkflows: 1_000,
    // A worker that died is missed after this: 10 s by default.
    stickyQueueScheduleToStartTimeout: '5 seconds',
    workflowTaskPollerBehavior: { type: 'autoscaling', initial: 5, maximum: 20 },
    activityTaskPollerBehavior: { type: 'autoscaling', initial: 2, maximum: 10 },
  });
  const activities = createModelActivities({
    models,
    http,
    limiter: deps.limiter,
    providers: deps.providers,
    ledger: deps.ledger,
    openStore,
    stopping: deps.stopping,
    observer: deps.observer,
    cache: deps.cache,
  });
  const perModel = Object.entries(models.models).flatMap(([model, { provider, kind }]) =>
    providerModes
      .filter((mode) => deps.providers(provider, mode)?.[kind] !== undefined)
      .map((mode) =>
        Worker.create({
          ...common,
          taskQueue: modelTaskQueue(provider, model, mode),
          activities,
          // Slots are cheap: a call waits in one for its turn at the limits, which are what bounds it.
          maxConcurrentActivityTaskExecutions: 1_000,
          // Heartbeats carry what was paid for and bring cancellations.
          maxHeartbeatThrottleInterval: '5 seconds',
          defaultHeartbeatThrottleInterval: '5 seconds',
          activityTaskPollerBehavior: { type: 'autoscaling', initial: 2, maximum: 10 },
        }),
      ),
  );
  const perGpuClass = Object.entries(deps.gpus).flatMap(([mode, pool]) =>
    classesOf(pool).map(({ gpuClass, endpoints }) =>
      Worker.create({
        ...common,
        taskQueue: gpuTaskQueue(gpuClass, mode === 'live' ? 'live' : 'emulated'),
        activities: createGpuActivities({
          http,
          limiter: deps.limiter,
          openStore,
          stopping: deps.stopping,
          observer: deps.observer,
          cache: deps.cache,
          pool: () => pool,
          patienceMs: deps.gpuPatienceMs,
        }),
        maxConcurrentActivityTaskExecutions: waitingPerGpu * endpoints,
        // Progress of a prompt is shown from its heartbeats.
        maxHeartbeatThrottleInterval: '1 second',
        defaultHeartbeatThrottleInterval: '1 second',
        activityTaskPollerBehavior: { type: 'autoscaling', initial: 2, maximum: 10 },
      }),
    ),
  );
  return Promise.all([core, ...perModel, ...perGpuClass]);
}

/** Classes of a pool, and how many endpoints serve each. */
function classesOf(pool: GpuPool): { gpuClass: string; endpoints: number }[] {
  const { endpoints } = pool.snapshot();
  const classes = [...new Set(endpoints.flatMap((endpoint) => endpoint.classes))];
  return classes.map((gpuClass) => ({
    gpuClass,
    endpoints: endpoints.filter(({ classes: served }) => served.includes(gpuClass)).length,
  }));
}
