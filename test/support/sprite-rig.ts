import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import { BatchHandle } from '../../client/batch-handle.ts';
import { listJobs } from '../../client/jobs.ts';
import type { Service } from '../../client/modes.ts';
import { retryBatch } from '../../client/retry.ts';
import { Reviews } from '../../client/reviews.ts';
import { planSprites, type SpriteOptions } from '../../client/sprites.ts';
import { submit } from '../../client/submit.ts';
import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import type { BatchSpecInput } from '../../domain/batch-spec.ts';
import type { BatchProgress, RedriveSelector } from '../../domain/batch.ts';
import type { Flow } from '../../domain/flow.ts';
import type { ResultRow } from '../../domain/result.ts';
import { readGpuLog } from '../../emulators/comfyui/gpu-log.ts';
import type { ComfyEmulatorOptions } from '../../emulators/comfyui/options.ts';
import type { ComfyEmulator } from '../../emulators/comfyui/server.ts';
import { closeAll, logPath, start } from '../comfyui.ts';
import { eventually } from './eventually.ts';
import type { TestNamespace } from './namespace.ts';
import { changeAtStart, engineOf } from './rig.ts';
import { useNamespace } from './use-namespace.ts';

type GpuRow = ReturnType<typeof readGpuLog>[number];
type PromptEnd = Extract<GpuRow, { event: 'prompt_end' }>;
const given = { live: new Set<Service>(['comfyui']) };

/** An emulated ComfyUI server that only the batches of its class use. */
export interface TestGpu {
  emulator: ComfyEmulator;
  /** What it did, in order of time. */
  log: () => GpuRow[];
  /** Ids of prompts that ran to such an end, in order. */
  ended: (status: PromptEnd['status']) => string[];
  /** Waits until so many prompts have begun to sample. */
  untilSampling: (count: number) => Promise<void>;
}

/** A batch of sprites of a test. */
export class SpriteBatch {
  readonly batch: BatchHandle;
  readonly batchId: string;
  readonly output: string;
  private readonly space: TestNamespace;

  constructor(space: TestNamespace, batchId: string, output: string) {
    this.space = space;
    this.batchId = batchId;
    this.output = output;
    this.batch = new BatchHandle(space.client, batchId);
  }

  until(condition: (progress: BatchProgress) => boolean): Promise<BatchProgress> {
    return eventually(async () => {
      const progress = await this.batch.progress(0);
      return condition(progress) ? progress : undefined;
    });
  }

  retry(selector: Omit<RedriveSelector, 'select'> = {}): Promise<{ items: number | null }> {
    const { client, models } = this.space;
    return retryBatch(client, this.batch, { engine: engineOf(this.space), models, ...given }, selector);
  }

  reject(itemId: string, note: string): Promise<unknown> {
    const { client, models } = this.space;
    const reviews = new Reviews(client, { engine: engineOf(this.space), models, ...given });
    return reviews.give({ batchId: this.batchId, itemId }, { decision: 'reject', note });
  }

  rows(): Promise<ResultRow[]> {
    return Array.fromAsync(listJobs(this.batch), ({ row }) => row);
  }

  images(): string[] {
    const folder = join(this.output, 'images');
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  sidecar(name: string): Record<string, unknown> {
    return JSON.parse(readFileSync(join(this.output, `metadata/${name}.json`), 'utf8')) as Record<string, unknown>;
  }
}

/**
 * Opens a namespace whose workers have emulated GPUs.
 *
 * @param options of each GPU by its name; `gpuClass` is the class it serves, else one of its own name
 */
export function useGpus<Name extends string>(
  options: Record<Name, ComfyEmulatorOptions & { gpuClass?: string }>,
): {
  space: () => TestNamespace;
  gpu: (name: Name) => TestGpu;
  generate: (
    gpuClass: string,
    options: Omit<SpriteOptions, 'output' | 'graph'> & {
      graph?: ComfyGraph;
      spec?: BatchSpecInput;
      resumeIn?: string;
      /** In place of the flow `sprite`. */
      flow?: Flow;
    },
  ) => Promise<SpriteBatch>;
} {
  const gpus = new Map<string, TestGpu>();
  const { space } = useNamespace(() =>
    Promise.all(
      Object.entries<ComfyEmulatorOptions & { gpuClass?: string }>(options).map(async ([name, given]) => {
        const { gpuClass = name, ...settings } = given;
        const path = logPath();
        const emulator = await start({ vramGb: 48, gpuLog: path, gpu: name, ...settings });
        gpus.set(name, testGpu(emulator, path));
        return { name, url: emulator.url, classes: ['any', gpuClass] };
      }),
    ),
  );
  afterAll(closeAll);
  return {
    space,
    gpu(name) {
      const gpu = gpus.get(name);
      if (gpu === undefined) throw new Error(`The GPU ${name} is not started.`);
      return gpu;
    },
    async generate(gpuClass, { spec, resumeIn, graph, flow, ...wish }) {
      const { client, models, directory } = space();
      const output = resumeIn ?? mkdtempSync(join(directory, 'sprites-'));
      const graphPath = graph && join(mkdtempSync(join(directory, 'graph-')), 'graph.json');
      if (graphPath !== undefined) writeFileSync(graphPath, JSON.stringify(graph));
      const plan = await planSprites(directory, { gpuClass, seed: 100, graph: graphPath, ...wish, output });
      if (flow !== undefined) changeAtStart(pathToFileURL(output).href, { flow });
      const { batchId } = await submit(
        { engine: engineOf(space()), client, models, ...given },
        {
          ...plan.submit,
          ...(resumeIn === undefined ? {} : { resume: true }),
          spec: { ...plan.submit.spec, ...spec, retry: { initialMs: 10, maxMs: 50, ...spec?.retry } },
        },
      );
      return new SpriteBatch(space(), batchId, output);
    },
  };
}

function testGpu(emulator: ComfyEmulator, path: string): TestGpu {
  const log = (): GpuRow[] => readGpuLog(path);
  return {
    emulator,
    log,
    ended: (status) =>
      log().flatMap((row) => (row.event === 'prompt_end' && row.status === status ? [row.prompt_id] : [])),
    async untilSampling(count) {
      await eventually(() => log().filter(({ event }) => event === 'sample_start').length >= count);
    },
  };
}
