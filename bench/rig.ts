import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stopEngine } from '../client/engine/ensure-engine.ts';
import { Sluice } from '../client/sluice.ts';
import type { BatchSummary } from '../domain/batch.ts';
import { startEmulator, type EmulatorSettings } from './emulator-process.ts';
import { ProcessMeter, measured } from './process-meter.ts';

/** The model of every item. */
const benchModel = 'gemini-2.5-flash-image';

export interface RigOptions {
  emulator: EmulatorSettings;
  /** Requests a minute of the model's own limit. @default none, nor any other limit */
  modelRpm?: number;
}

interface BatchOptions {
  items: number;
  concurrency: number;
}

export interface BatchRun {
  batchId: string;
  summary: BatchSummary;
  /** From submission, staging included, until the batch had closed. */
  wallMs: number;
  /** Of the whole processes in this time and the second after it. */
  cpuMs: { server: number; worker: number; emulator: number };
}

/** What the engine's processes still do once a batch has closed counts as its work. */
const settleMs = 1_000;

/**
 * One engine as users have it (server with `temporal-dev.yaml`, worker, each a process of its own) in a
 * home of its own, working with an emulator that runs as "Gemini" in a further process.
 */
export class Rig {
  readonly home: string;
  readonly sluice: Sluice;
  readonly client: Client;
  readonly meters: { server: ProcessMeter; worker: ProcessMeter; emulator: ProcessMeter };
  readonly #connection: Connection;
  readonly #stopEmulator: () => Promise<void>;
  #batches = 0;

  private constructor(
    home: string,
    sluice: Sluice,
    connection: Connection,
    emulator: { pid: number; stop: () => Promise<void> },
  ) {
    this.home = home;
    this.sluice = sluice;
    this.#connection = connection;
    this.client = new Client({ connection, namespace: sluice.engine.namespace });
    this.#stopEmulator = emulator.stop;
    const pidOf = (name: string): number => sluice.engine.processes.find((one) => one.name === name)?.pid ?? 0;
    this.meters = {
      server: new ProcessMeter(pidOf('server')),
      worker: new ProcessMeter(pidOf('worker')),
      emulator: new ProcessMeter(emulator.pid),
    };
  }

  static async start(options: RigOptions): Promise<Rig> {
    const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    writeFileSync(join(home, 'models.yaml'), modelsYaml(options.modelRpm ?? null));
    const emulator = await startEmulator(options.emulator, callLogOf(home));
    Object.assign(process.env, { GEMINI_API_KEY: 'bench', GEMINI_BASE_URL: emulator.url });
    try {
      const sluice = await Sluice.connect({ home });
      return new Rig(home, sluice, await Connection.connect({ address: sluice.engine.address }), emulator);
    } catch (error) {
      await emulator.stop();
      await stopEngine(home);
      throw error;
    }
  }

  get callLog(): string {
    return callLogOf(this.home);
  }

  /** A batch with no limits but its concurrency, of items that differ in their prompts. */
  async runBatch(options: BatchOptions): Promise<BatchRun> {
    this.#batches += 1;
    const output = join(this.home, `out-${this.#batches}`);
    const input = { text: promptsCsv(options.items, this.#batches) };
    let wallMs = 0;
    const { value, cpuMs } = await measured(this.meters, async () => {
      const startedAt = performance.now();
      const { batchId } = await this.sluice.submit({
        input,
        format: 'csv',
        output,
        spec: { limits: { concurrency: options.concurrency, ratePerMinute: null } },
      });
      const summary = await untilClosed(this.sluice, batchId);
      wallMs = performance.now() - startedAt;
      await settled();
      return { batchId, summary };
    });
    return { ...value, wallMs, cpuMs };
  }

  async stop(): Promise<void> {
    await this.sluice.close();
    await this.#connection.close();
    await stopEngine(this.home);
    await this.#stopEmulator();
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Waits until a batch has closed, without asking more often than it takes to notice. */
export async function untilClosed(sluice: Sluice, batchId: string): Promise<BatchSummary> {
  const rows = sluice.watch(batchId, { fromRow: 'now', intervalMs: 5_000 });
  for (;;) {
    const { done, value } = await rows.next();
    if (done !== true) continue;
    if (value === null) throw new Error(`The batch ${batchId} was ended from outside.`);
    return value;
  }
}

export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, settleMs));
}

/** Runs `work` with a rig of its own and clears it away, whatever happens. */
export async function withRig<Value>(options: RigOptions, work: (rig: Rig) => Promise<Value>): Promise<Value> {
  return thenStopped(await Rig.start(options), work);
}

/** Runs `work` with what was started and stops that, whatever happens. */
export async function thenStopped<Started extends { stop(): Promise<void> }, Value>(
  started: Started,
  work: (started: Started) => Promise<Value>,
): Promise<Value> {
  const interrupted = (): void => {
    void started.stop().finally(() => process.exit(130));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted);
  try {
    return await work(started);
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted);
    await started.stop();
  }
}

/** `items` rows of a CSV; `salt` makes them differ from those of another batch. */
export function promptsCsv(items: number, salt: number): string {
  const rows = Array.from(
    { length: items },
    (_, n) => `b${salt}-${n},A lighthouse of glass number ${n} at dawn (${salt})`,
  );
  return `id,prompt\n${rows.join('\n')}\n`;
}

function callLogOf(home: string): string {
  return join(home, 'calls.jsonl');
}

function modelsYaml(rpm: number | null): string {
  const limits = { requests_per_minute: rpm, tokens_per_minute: null, images_per_minute: null, concurrency: null };
  return JSON.stringify({ models: { [benchModel]: { limits } } });
}
