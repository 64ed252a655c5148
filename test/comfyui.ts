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

/**
 * A graph that samples many times over. It runs long, and yet an interrupt, which acts between two nodes, is
 * soon heeded.
 */
export function longGraph(): ComfyGraph {
  const graph = graphOf('sdxl-sprite');
  const sampler = graph['6'];
  if (sampler === undefined) throw new Error('The shipped graph has changed.');
  const chain = Array.from({ length: 29 }, (_, n) => {
    const inputs = { ...sampler.inputs, latent_image: [n === 0 ? '6' : `6${String(n)}`, 0] };
    return [`6${String(n + 1)}`, { class_type: 'KSampler', inputs }] as const;
  });
  const decoder = { ...graph['7'], inputs: { ...graph['7']?.inputs, samples: ['629', 0] } };
  return parseComfyGraph({ ...graph, ...Object.fromEntries(chain), 7: decoder });
}

/** Waits for something to become true. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
