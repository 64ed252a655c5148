import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseComfyGraph, type ComfyGraph } from '../domain/comfy-graph.ts';
import { injectParameters, type ComfyParameterValues } from '../domain/comfy-inject.ts';
import type { ComfyEmulatorOptions } from '../emulators/comfyui/options.ts';
import { startComfyEmulator, type ComfyEmulator } from '../emulators/comfyui/server.ts';

const emulators = new Set<ComfyEmulator>();
const directories = new Set<string>();

/** Starts an emulator at a hundredth of real time; `closeAll` ends it. */
export async function start(options: ComfyEmulatorOptions = {}): Promise<ComfyEmulator> {
  const emulator = await startComfyEmulator({ timeScale: 0.01, ...options });
  emulators.add(emulator);
  return emulator;
}

/** A path for a GPU log, removed by `closeAll`. */
export function logPath(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-gpu-log-'));
  directories.add(directory);
  return join(directory, 'gpu.jsonl');
}

export async function closeAll(): Promise<void> {
  await Promise.all([...emulators].map((emulator) => emulator.close()));
  emulators.clear();
  for (const directory of directories) rmSync(directory, { recursive: true });
  directories.clear();
}

/** A shipped graph with parameters written into it. */
export function graphOf(
  name: 'sdxl-sprite' | 'sdxl-sprite-lora' | 'no-model',
  values: ComfyParameterValues = {},
): ComfyGraph {
  return injectParameters(parseComfyGraph(JSON.parse(readFileSync(`flows/comfy/${name}.json`, 'utf8'))), values).graph;
}

/** Waits for something to become true. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
