import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Runtime } from '@temporalio/worker';
import { observeWith, type Observer } from '../activities/observer.ts';
import { apiSettingsFrom } from '../client/api-settings.ts';
import { credentialsFrom } from '../client/engine/credentials.ts';
import { findPort } from '../client/engine/ports.ts';
import { defaultHome } from '../client/engine/home.ts';
import { openResultCache } from '../client/cache.ts';
import { loadConfig } from '../client/config.ts';
import { openLog } from '../client/log.ts';
import { ledgerPath } from '../client/ledger.ts';
import { loadModels } from '../client/models.ts';
import { servicesGiven } from '../client/modes.ts';
import { startTracing } from '../client/tracing/tracing.ts';
import type { Tracing } from '../client/tracing/types.ts';
import { vendors } from '../domain/vendors.ts';
import { createLimiter } from '../providers/limiter/limiter.ts';
import { Ledger } from '../storage/ledger/ledger.ts';
import { workflowBundlePath } from './bundle-path.ts';
import { createWorkers } from './create-workers.ts';
import { createGpus } from './gpus.ts';
import { createProviders } from './providers.ts';
import { metricsAddress } from './metrics-address.ts';
import { resolveTargetOf } from './resolve-target.ts';
import { stageRunWith } from './stage-run.ts';
import { tellFailedRunWith } from './tell-failed-run.ts';
import { recoverActivities } from './recover-activities.ts';
import { sdkLog } from './telemetry/sdk-log.ts';
import { workerIdentity } from './worker-identity.ts';

/**
 * The worker process. Configured by its environment (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, SLUICE_HOME,
 * SLUICE_EMULATOR_URL, key and address of each vendor); tells its parent `ready` when it polls.
 */
let tracing: Tracing | null = null;
const log = openLog(process.env, { more: () => tracing?.logFields() ?? {} });
const setting = (name: string): string | undefined => process.env[name] || undefined;

const metrics = metricsAddress(setting('SLUICE_WORKER_METRICS'));
const sdkAddress = `127.0.0.1:${String(metrics === null ? 0 : await findPort('127.0.0.1', 0))}`;
// As Prometheus wants names and units, and as Temporal's SDKs of other languages have them.
const prometheus = {
  bindAddress: sdkAddress,
  countersTotalSuffix: true,
  unitSuffix: true,
  useSecondsForDurations: true,
};

Runtime.install({
  logger: sdkLog(log),
  ...(metrics === null ? {} : { telemetryOptions: { metrics: { prometheus } } }),
  // The supervisor's order to stop is handled below, for all workers together.
  shutdownSignals: [],
});

const home = defaultHome(process.env);
mkdirSync(home, { recursive: true, mode: 0o700 });
const credentials = credentialsFrom(process.env);
// Of the home alone: what may be asked is not for the directory to say that the engine was started in.
const config = loadConfig({ cwd: home, home, env: process.env, notice: (line) => log.warn(line) });
const address = setting('TEMPORAL_ADDRESS') ?? '127.0.0.1:7233';
const connection = await NativeConnection.connect({ address });
const namespace = setting('TEMPORAL_NAMESPACE') ?? 'default';
const limiter = createLimiter({ path: join(home, 'limits.sqlite') });
const ledger = new Ledger({ path: ledgerPath(home) });
tracing = await startTracing({
  service: 'sluice-worker',
  env: process.env,
  warn: (message) => {
    log.warn(message);
  },
});
const spans = tracing === null ? null : await import('./telemetry/trace-activities.ts');
const client = new Client({ connection, namespace, interceptors: { workflow: tracing?.clientInterceptors ?? [] } });
const stopping = new AbortController();
const gpus = createGpus({ gpus: setting('SLUICE_GPUS'), emulatorUrl: setting('SLUICE_COMFY_EMULATOR_URL') }, home);
const observers: Observer[] = spans === null ? [] : [spans.callSpans];
if (metrics !== null) {
  const { offerMetrics } = await import('./telemetry/offer-metrics.ts');
  observers.push(await offerMetrics({ address: metrics, sdkAddress, gpus }));
}
const workers = await createWorkers({
  connection,
  namespace,
  client: client.workflow,
  workflowBundlePath,
  models: await loadModels(home),
  limiter,
  ledger,
  providers: createProviders({ credentials, emulatorUrl: setting('SLUICE_EMULATOR_URL') }),
  gpus,
  resolveTarget: resolveTargetOf(home, process.env),
  tellFailedRun: tellFailedRunWith({ client: client.workflow, home }),
  stageRun: stageRunWith({
    client,
    engine: { home, address, namespace },
    models: () => loadModels(home),
    api: apiSettingsFrom(process.env),
    trace: spans?.currentCarrier,
    live: servicesGiven(
      vendors.filter((vendor) => credentials[vendor] !== undefined),
      credentials.gpus ?? [],
    ),
  }),
  http: config.http,
  cache: openResultCache(home, config.cache),
  stopping: stopping.signal,
  observer: observeWith(observers),
  ...(tracing === null || spans === null
    ? {}
    : { tracing: { record: tracing.record, activities: spans.activitySpans } }),
});

const stop = (): void => {
  const message = 'The worker is stopping; another one takes over.';
  stopping.abort(ApplicationFailure.create({ message, type: 'WORKER_STOPPING', nextRetryDelay: '1 second' }));
  for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
};
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
process.once('disconnect', stop);

const running = workers.map((worker) =>
  worker.run().catch((error: unknown) => {
    stop();
    throw error;
  }),
);
log.info({ pid: process.pid, queues: workers.map((w) => w.options.taskQueue) }, 'polling');
process.send?.('ready');
void recoverActivities(client, workerIdentity()).then(
  (count) => {
    if (count > 0) log.info({ count }, 'gave back the activities of a worker that died');
  },
  (error: unknown) => {
    log.warn({ err: error }, 'activities of workers that died are left to their timeouts');
  },
);
const ended = await Promise.allSettled(running);
limiter.close();
ledger.close();
for (const pool of Object.values(gpus)) pool.close();
await connection.close();
await tracing?.close();
for (const result of ended) {
  if (result.status === 'rejected') {
    log.error({ err: result.reason as unknown }, 'a worker failed');
    process.exitCode = 1;
  }
}
if (process.connected) process.disconnect();
