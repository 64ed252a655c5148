import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection, type ClientInterceptors } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { msToTs } from '@temporalio/common/lib/time.js';
import { DefaultLogger, NativeConnection, Runtime, type Worker } from '@temporalio/worker';
import { apiSettingsFrom } from '../../client/api-settings.ts';
import { loadDevServerConfig } from '../../client/engine/dev-server-config.ts';
import { packageRoot } from '../../client/engine/package-root.ts';
import { ledgerPath } from '../../client/ledger.ts';
import { registerSearchAttributes } from '../../client/engine/temporal-setup.ts';
import type { ModelsFile } from '../../domain/models.ts';
import { createGpuPool } from '../../providers/gpu-pool/pool.ts';
import type { GpuEndpoint, GpuPool } from '../../providers/gpu-pool/types.ts';
import type { ImageProvider } from '../../providers/image-provider.ts';
import { createLimiter } from '../../providers/limiter/limiter.ts';
import type { TextProvider } from '../../providers/text-provider.ts';
import type { VideoProvider } from '../../providers/video-provider.ts';
import { createResultCache } from '../../storage/result-cache.ts';
import { Ledger } from '../../storage/ledger/ledger.ts';
import { createWorkers } from '../../workers/create-workers.ts';
import { resolveTargetOf } from '../../workers/resolve-target.ts';
import { stageRunWith } from '../../workers/stage-run.ts';
import { tellFailedRunWith } from '../../workers/tell-failed-run.ts';
import { eventually } from './eventually.ts';

/** Models a namespace has; a test takes one for itself, and with it task queue, limiter and emulator of its own. */
const modelsPerNamespace = 24;
/** The one whose text costs, too. */
export const textPricedModel = 'model-0';
const keyOf = (place: number): string => `model-${String(place)}`;
/** Video models a namespace has. */
const filmersPerNamespace = 8;
const filmerOf = (place: number): string => `filmer-${String(place)}`;
/** Language models a namespace has. */
const writersPerNamespace = 20;
const writerOf = (place: number): string => `writer-${String(place)}`;

const noLimits = { requests_per_minute: null, tokens_per_minute: null, images_per_minute: null, concurrency: null };

const models: ModelsFile = {
  models: Object.fromEntries([
    ...Array.from({ length: modelsPerNamespace }, (_, place) => [
      keyOf(place),
      {
        provider: 'gemini',
        kind: 'image',
        // Only images cost, a tenth of a dollar each, so that sums are plain to see.
        price: { per_image: 0.1, input_per_million: 0, output_text_per_million: place === 0 ? 1_000 : 0 },
        image_tokens: 1_290,
        limits: noLimits,
      },
    ]),
    ...Array.from({ length: writersPerNamespace }, (_, place) => [
      writerOf(place),
      {
        provider: 'openai',
        kind: 'text',
        // A thousandth of a dollar for each token that comes back.
        price: { input_per_million: 0, output_per_million: 1_000 },
        max_output_tokens: 16_384,
        limits: noLimits,
      },
    ]),
    ...Array.from({ length: filmersPerNamespace }, (_, place) => [
      filmerOf(place),
      // A tenth of a dollar a second.
      {
        provider: 'gemini',
        kind: 'video',
        price: { per_second: 0.1 },
        seconds: [4, 8],
        default_seconds: 4,
        limits: noLimits,
      },
    ]),
  ]) as ModelsFile['models'],
  aliases: {},
  quality: { draft: keyOf(0), standard: keyOf(0), high: keyOf(0) },
};

/** A namespace of the suite's server with the real workers in it. */
export interface TestNamespace {
  name: string;
  client: Client;
  connection: Connection;
  models: ModelsFile;
  /** Removed at the end. */
  directory: string;
  /** Hosts that flows may ask, beside none. */
  http: { allow: string[] };
  /** Where flows' secrets are looked up. */
  env: Record<string, string>;
  /** A model nobody else of this namespace uses. */
  takeModel(): string;
  /** A language model nobody else of this namespace uses. */
  takeWriter(): string;
  /** A video model nobody else of this namespace uses. */
  takeFilmer(): string;
  /** Where a model's calls go from now on. */
  route(model: string, provider: ImageProvider): void;
  routeText(model: string, provider: TextProvider): void;
  /** All video models: an operation does not say whose it is. */
  routeVideo(provider: VideoProvider): void;
  /** Stops the workers, as a machine that goes down in order does. */
  stopWorkers(): Promise<void>;
  startWorkers(): Promise<void>;
  /** The GPUs of the workers that run. */
  pool(): GpuPool;
  close(): Promise<void>;
}

function taker(nameOf: (place: number) => string, count: number, first = 0): () => string {
  let next = first;
  return () => {
    if (next === count) throw new Error(`All ${String(count)} models of this kind are taken.`);
    next += 1;
    return nameOf(next - 1);
  };
}

let runtimeInstalled = false;

export async function openNamespace(
  address: string,
  workflowBundlePath: string,
  interceptors: ClientInterceptors = {},
  gpus: readonly GpuEndpoint[] = [],
): Promise<TestNamespace> {
  if (!runtimeInstalled) {
    Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
    runtimeInstalled = true;
  }
  const name = `test-${randomUUID()}`;
  const directory = mkdtempSync(join(tmpdir(), 'sluice-workflows-'));
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  await prepareNamespace(connection, address, name);
  const client = new Client({ connection, namespace: name, interceptors });
  const http = { allow: [] as string[] };
  const env = { TEST_SECRET: randomUUID() };
  const cache = createResultCache(join(directory, 'cache'), 1e9);
  const limiter = createLimiter({ path: join(directory, 'limits.sqlite') });
  const ledger = new Ledger({ path: ledgerPath(directory) });
  const routes = new Map<string, ImageProvider>();
  let running: { workers: Worker[]; ended: Promise<void>; pool: GpuPool; stopping: AbortController } | null = null;

  const provider: ImageProvider = {
    generateImage(request, options) {
      const route = routes.get(request.model);
      if (route === undefined) throw new Error(`No test has taken ${request.model}.`);
      return route.generateImage(request, options);
    },
  };
  const textRoutes = new Map<string, TextProvider>();
  const text: TextProvider = {
    generateText(request, options) {
      const route = textRoutes.get(request.model);
      if (route === undefined) throw new Error(`No test has taken ${request.model}.`);
      return route.generateText(request, options);
    },
  };
  const noFilmer = () => Promise.reject(new Error('No test has given a video provider.'));
  const video: VideoProvider = { start: noFilmer, look: noFilmer, download: noFilmer };
  const self: TestNamespace = {
    name,
    client,
    connection,
    models,
    directory,
    http,
    env,
    // The first is the one whose text costs, too.
    takeModel: taker(keyOf, modelsPerNamespace, 1),
    takeWriter: taker(writerOf, writersPerNamespace),
    takeFilmer: taker(filmerOf, filmersPerNamespace),
    route: (model, to) => void routes.set(model, to),
    routeText: (model, to) => void textRoutes.set(model, to),
    routeVideo: (to) => void Object.assign(video, to),
    async startWorkers() {
      const pool = createGpuPool({ endpoints: gpus, probeMs: 100, probeTimeoutMs: 500 });
      const stopping = new AbortController();
      const workers = await createWorkers({
        connection: native,
        namespace: name,
        client: client.workflow,
        workflowBundlePath,
        models,
        limiter,
        ledger,
        providers: (_, mode) => (mode === 'emulated' ? { image: provider, text, video } : undefined),
        gpus: gpus.length === 0 ? {} : { live: pool },
        gpuPatienceMs: 3_000,
        resolveTarget: resolveTargetOf(directory, process.env),
        retryDelaysMs: [20, 50],
        tellFailedRun: tellFailedRunWith({ client: client.workflow, home: directory }),
        stageRun: stageRunWith({
          client,
          engine: { home: directory, address: '', namespace: name },
          models: () => Promise.resolve(models),
          api: apiSettingsFrom({}),
          live: new Set(gpus.length === 0 ? [] : ['comfyui']),
        }),
        cache,
        http,
        env,
        stopping: stopping.signal,
      });
      const ended = Promise.all(workers.map((worker) => worker.run())).then(() => undefined);
      running = { workers, ended, pool, stopping };
    },
    async stopWorkers() {
      running?.stopping.abort(ApplicationFailure.create({ message: 'stopping', nextRetryDelay: 10 }));
      for (const worker of running?.workers ?? []) worker.shutdown();
      await running?.ended;
      running?.pool.close();
      running = null;
    },
    pool() {
      if (running === null) throw new Error('No workers run.');
      return running.pool;
    },
    async close() {
      await self.stopWorkers();
      limiter.close();
      ledger.close();
      await native.close();
      await connection.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await self.startWorkers();
  return self;
}

async function prepareNamespace(connection: Connection, address: string, namespace: string): Promise<void> {
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const { search_attributes: attributes } = loadDevServerConfig(join(packageRoot, 'temporal-dev.yaml'));
  await eventually(async () => {
    await registerSearchAttributes(address, namespace, attributes);
    return true;
  });
  await eventually(() =>
    connection.workflowService.countWorkflowExecutions({ namespace, query: `SluiceBatch = 'none'` }),
  );
}
