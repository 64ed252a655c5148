import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineState } from './engine-state.ts';
import { isAlive, type ProcessIdentity } from './process-identity.ts';

const pollMs = 20;

/**
 * Ends what a supervisor that died without clearing up left behind: workers before the server they
 * report to. Only processes it recorded itself, and only while pid and start time both match.
 */
export async function endLeftovers(state: EngineState): Promise<void> {
  const server = state.processes.filter((process) => process.name === 'server');
  const others = state.processes.filter((process) => process.name !== 'server');
  await Promise.all(others.map((process) => endProcess(process, 10_000)));
  await Promise.all(server.map((process) => endProcess(process, 5_000)));
}

/** SIGTERM, then SIGKILL after `graceMs`; resolves when the process is gone. */
export async function endProcess(target: ProcessIdentity, graceMs: number): Promise<void> {
  signal(target, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (isAlive(target)) {
    if (Date.now() > deadline) signal(target, 'SIGKILL');
    await sleep(pollMs);
  }
}

function signal(target: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, name);
  } catch (error) {
    // Gone between the look and the signal.
    if (isAlive(target)) throw error;
  }
}
