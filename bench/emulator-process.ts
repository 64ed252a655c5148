import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { programPath } from '../client/engine/package-root.ts';
import type { Vendor } from '../domain/vendors.ts';

export interface EmulatorSettings {
  latencyMs: number;
  /** Requests a rolling minute it lets through for each model. */
  rpm?: number;
  /** Tokens a rolling minute after which it refuses calls of a model. */
  tpm?: number;
  /** As `sluice emulator` takes them. */
  faults?: string;
}

export interface EmulatorProcess {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** Starts the emulator of a vendor in a process of its own, so that its work is not counted as the worker's. */
export async function startVendor(
  vendor: Vendor,
  { latencyMs, ...optional }: EmulatorSettings,
  callLog: string,
): Promise<EmulatorProcess> {
  const args = ['--latency-ms', String(latencyMs), '--log', callLog, '--seed', '1'];
  for (const [option, value] of Object.entries(optional)) args.push(`--${option}`, String(value));
  return startProcess(vendor === 'gemini' ? 'gemini' : 'text', args);
}

/** Starts a ComfyUI emulator with one virtual GPU of 48 GB, in a process of its own as a server is. */
export async function startGpu(name: string, timeScale: number, gpuLog: string): Promise<EmulatorProcess> {
  const args = ['--gpu', name, '--vram-gb', '48', '--time-scale', String(timeScale), '--log', gpuLog];
  return startProcess('comfyui', args);
}

async function startProcess(provider: 'gemini' | 'text' | 'comfyui', args: string[]): Promise<EmulatorProcess> {
  const node = ['--disable-warning=ExperimentalWarning', programPath('cli/main')];
  const child = spawn(process.execPath, [...node, 'emulator', provider, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true || child.pid === undefined) throw new Error('The emulator did not start.');
  return {
    url: first.value,
    pid: child.pid,
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
