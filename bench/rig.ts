import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { stopEngine } from '../client/engine/ensure-engine.ts';
import { Sluice } from '../client/sluice.ts';
import type { BatchSummary } from '../domain/batch.ts';
import { vendorFacts, type Vendor } from '../domain/vendors.ts';
import { startVendor, type EmulatorProcess, type EmulatorSettings } from './emulator-process.ts';
import { ProcessMeter, measured } from './process-meter.ts';

/** The model of every item, but of flows. */
export const benchModel = 'gemini-2.5-flash-image';

/** Limits of a model, as `models.yaml` has them; those that are not named do not exist. */
interface ModelLimits {
  requests_per_minute?: number;
  tokens_per_minute?: number;
}

export interface RigOptions {
  /** Of Gemini's. */
  emulator: EmulatorSettings;
  /** Emulators of further vendors, each a process of its own. @default none */
  others?: Partial<Record<Exclude<Vendor, 'gemini'>, EmulatorSettings>>;
  /** By model. @default the model of images, without any */
  limits?: Record<string, ModelLimits>;
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
  readonly #emulators: readonly EmulatorProcess[];
  #batches = 0;

  private constructor(home: string, sluice: Sluice, connection: Connection, emulators: readonly EmulatorProcess[]) {
    this.home = home;
    this.sluice = sluice;
    this.#connection = connection;
    this.client = new Client({ connection, namespace: sluice.engine.namespace });
    this.#emulators = emulators;
    const pidOf = (name: string): number => sluice.engine.processes.find((one) => one.name === name)?.pid ?? 0;
    this.meters = {
      server: new ProcessMeter(pidOf('server')),
      worker: new ProcessMeter(pidOf('worker')),
      emulator: new ProcessMeter(emulators[0]?.pid ?? 0),
    };
  }

  static async start({ emulator, others, limits = { [benchModel]: {} } }: RigOptions): Promise<Rig> {
    const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    writeFileSync(join(home, 'models.yaml'), modelsYaml(limits));
    const emulators: EmulatorProcess[] = [];
    try {
      for (const [vendor, settings] of Object.entries({ gemini: emulator, ...others }) as [
        Vendor,
        EmulatorSettings,
      ][]) {
        const started = await startVendor(vendor, settings, callLogOf(home, vendor));
        emulators.push(started);
        const { keyVariable, urlVariable } = vendorFacts[vendor];
        Object.assign(process.env, { [keyVariable]: 'bench', [urlVariable]: started.url });
      }
      const sluice = await Sluice.connect({ home });
      return new Rig(home, sluice, await Connection.connect({ address: sluice.engine.address }), emulators);
    } catch (error) {
      for (const started of emulators) await started.stop();
      await stopEngine(home);
      throw error;
    }
  }

  /** Where a vendor's emulator writes down its calls. */
  callLog(vendor: Vendor = 'gemini'): string {
    return callLogOf(this.home, vendor);
  }

  /** A directory no batch has had. */
  newOutput(): string {
    this.#batches += 1;
    return join(this.home, `out-${this.#batches}`);
  }

  /** A batch with no limits but its concurrency, of items that differ in their prompts. */
  async runBatch(options: BatchOptions): Promise<BatchRun> {
    const output = this.newOutput();
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
    for (const emulator of this.#emulators) await emulator.stop();
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

function callLogOf(home: string, vendor: Vendor): string {
  return join(home, `calls-${vendor}.jsonl`);
}

function modelsYaml(limits: Record<string, ModelLimits>): string {
  const none = { requests_per_minute: null, tokens_per_minute: null, images_per_minute: null, concurrency: null };
  const models: Record<string, { limits: object }> = {};
  for (const [key, given] of Object.entries(limits)) models[key] = { limits: { ...none, ...given } };
  return JSON.stringify({ models });
}
