import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openStore } from '../storage/open-store.ts';
import { stageInput } from '../client/input/stage-input.ts';
import { storeUriOf } from '../client/output-directory.ts';
import { resolveBatch } from '../client/batch-flow.ts';
import type { SlidingWindowInput } from './baseline/workflows.ts';
import { ProcessMeter, measured } from './process-meter.ts';
import { promptsCsv, settled, type Rig } from './rig.ts';

const taskQueue = 'bench-baseline';

export interface BaselineRun {
  workflowId: string;
  succeeded: number;
  wallMs: number;
  cpuMs: { server: number; worker: number; emulator: number };
}

/** Temporal's sliding-window sample on a rig's server, with a worker process of its own. */
export class Baseline {
  readonly #rig: Rig;
  readonly #worker: ReturnType<typeof fork>;
  readonly #meters: Rig['meters'];
  #batches = 0;

  private constructor(rig: Rig, worker: ReturnType<typeof fork>) {
    this.#rig = rig;
    this.#worker = worker;
    this.#meters = { ...rig.meters, worker: new ProcessMeter(worker.pid ?? 0) };
  }

  static async start(rig: Rig): Promise<Baseline> {
    const { address, namespace } = rig.sluice.engine;
    const worker = fork(
      join(import.meta.dirname, 'baseline', 'worker.ts'),
      [rig.home, address, namespace, process.env['GEMINI_BASE_URL'] ?? '', taskQueue],
      { execArgv: ['--disable-warning=ExperimentalWarning', '--enable-source-maps'] },
    );
    const exited = once(worker, 'exit').then(() => {
      throw new Error('The baseline worker did not start.');
    });
    await Promise.race([once(worker, 'message'), exited]);
    exited.catch(() => undefined);
    return new Baseline(rig, worker);
  }

  /** The same work as `Rig.runBatch`: staged, called, stored; but no results, report or progress. */
  async runBatch({ items, concurrency }: { items: number; concurrency: number }): Promise<BaselineRun> {
    this.#batches += 1;
    const storeUri = storeUriOf(join(this.#rig.home, `baseline-out-${this.#batches}`));
    const workflowId = `baseline-${this.#batches}`;
    const { home, sluice } = this.#rig;
    const limits = { concurrency, ratePerMinute: null };
    const { spec, flow } = await resolveBatch({ limits }, { home, models: sluice.models });
    let wallMs = 0;
    const { value, cpuMs } = await measured(this.#meters, async () => {
      const startedAt = performance.now();
      const { total, rowsPerPart } = await stageInput({
        source: { text: promptsCsv(items, 1_000 + this.#batches) },
        format: 'csv',
        store: openStore(storeUri),
        models: sluice.models,
        spec,
        flow,
        rejected: null,
      });
      const input: SlidingWindowInput = {
        segment: { prefix: 'input', total, rowsPerPart },
        part: 0,
        windowSize: concurrency,
        item: {
          batchId: workflowId,
          storeUri,
          mode: 'live',
          flow,
          retry: spec.retry,
          timeoutMs: spec.timeoutMs,
          ratePerMinute: null,
          concurrency,
          priority: 3,
          gpuClass: 'any',
          limitsRevision: 0,
        },
        progress: 0,
        current: [],
      };
      const handle = await this.#rig.client.workflow.start('slidingWindowWorkflow', {
        workflowId,
        taskQueue,
        args: [input],
      });
      const succeeded = (await handle.result()) as number;
      wallMs = performance.now() - startedAt;
      await settled();
      return succeeded;
    });
    return { workflowId, succeeded: value, wallMs, cpuMs };
  }

  async stop(): Promise<void> {
    const exited = once(this.#worker, 'exit');
    this.#worker.disconnect();
    await exited;
  }
}
