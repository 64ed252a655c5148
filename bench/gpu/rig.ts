import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopEngine } from '../../client/engine/ensure-engine.ts';
import { Sluice } from '../../client/sluice.ts';
import type { BatchSummary } from '../../domain/batch.ts';
import { readGpuLog } from '../../emulators/comfyui/gpu-log.ts';
import { startGpu, type EmulatorProcess } from '../emulator-process.ts';
import { thenStopped, untilClosed } from '../rig.ts';

/** Time on the emulated GPUs by real time: loads and sampling take a tenth, everything else as long as ever. */
export const timeScale = 0.1;
/** Pictures a prompt, in all of these benches. */
export const batchSize = 8;

/** Longest wait for a prompt to start. */
const patienceMs = 60_000;

export type GpuRows = ReturnType<typeof readGpuLog>;
type PromptStart = Extract<GpuRows[number], { event: 'prompt_start' }>;

/**
 * One engine as users have it, in a home of its own, with GPUs: ComfyUI emulators, each a process of its own as
 * a server is. What they did and when is in one log, which is the only source of figures.
 */
export class GpuRig {
  readonly home: string;
  readonly sluice: Sluice;
  readonly #gpus: EmulatorProcess[];
  #outputs = 0;

  private constructor(home: string, sluice: Sluice, gpus: EmulatorProcess[]) {
    this.home = home;
    this.sluice = sluice;
    this.#gpus = gpus;
  }

  static async start(gpus: number): Promise<GpuRig> {
    const home = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
    const names = Array.from({ length: gpus }, (_, n) => `gpu-${String(n + 1)}`);
    const servers = await Promise.all(names.map((name) => startGpu(name, timeScale, logOf(home))));
    process.env['SLUICE_GPUS'] = JSON.stringify(servers.map(({ url }, n) => ({ name: names[n], url })));
    try {
      return new GpuRig(home, await Sluice.connect({ home }), servers);
    } catch (error) {
      await clear(home, servers);
      throw error;
    }
  }

  rows(): GpuRows {
    return readGpuLog(logOf(this.home));
  }

  /** A directory no batch has had. */
  newOutput(): string {
    this.#outputs += 1;
    return join(this.home, `out-${String(this.#outputs)}`);
  }

  finish(batchId: string): Promise<BatchSummary> {
    return untilClosed(this.sluice, batchId);
  }

  /** Waits until `find` finds something among the prompts that GPUs have begun with. */
  async untilStarted<Found>(find: (starts: PromptStart[]) => Found | undefined): Promise<Found> {
    const deadline = performance.now() + patienceMs;
    while (performance.now() < deadline) {
      const found = find(startsOf(this.rows()));
      if (found !== undefined) return found;
      await sleep(20);
    }
    throw new Error('The GPUs did not begin with what was expected.');
  }

  async stop(): Promise<void> {
    Reflect.deleteProperty(process.env, 'SLUICE_GPUS');
    await this.sluice.close();
    await clear(this.home, this.#gpus);
  }
}

/** Runs `work` with GPUs of its own, which have nothing loaded, and clears them away. */
export async function withGpus<Value>(gpus: number, work: (rig: GpuRig) => Promise<Value>): Promise<Value> {
  return thenStopped(await GpuRig.start(gpus), work);
}

export function startsOf(rows: GpuRows): PromptStart[] {
  return rows.filter((row) => row.event === 'prompt_start');
}

/** Prompts that made the pictures of a batch's directory, by their sidecars. */
export function promptsOf(output: string): Set<string> {
  const sidecars = join(output, 'metadata');
  return new Set(
    readdirSync(sidecars).map((name) => {
      const sidecar = JSON.parse(readFileSync(join(sidecars, name), 'utf8')) as { prompt_id: string };
      return sidecar.prompt_id;
    }),
  );
}

async function clear(home: string, gpus: EmulatorProcess[]): Promise<void> {
  await stopEngine(home);
  await Promise.all(gpus.map((gpu) => gpu.stop()));
  rmSync(home, { recursive: true, force: true });
}

function logOf(home: string): string {
  return join(home, 'gpus.jsonl');
}
