import { writeEngineState } from './engine-state.ts';
import type { EngineReport } from './engine-status.ts';
import { processStartId } from './process-identity.ts';
import type { SupervisedProcess } from './supervised-process.ts';

/** Puts on record what an engine runs now, for the one that comes after a `kill -9`. */
export function recordEngine(file: string, report: EngineReport, running: readonly SupervisedProcess[]): void {
  const { address, namespace, ports, startedAt, buildId, pid } = report;
  const processes = running.flatMap((process) => {
    const { name, pid: childPid, restarts } = process.status;
    return childPid === null || process.startId === null
      ? []
      : [{ name, pid: childPid, startId: process.startId, restarts }];
  });
  const startId = processStartId(pid) ?? '';
  writeEngineState(file, { pid, startId, startedAt, buildId, address, namespace, ports, processes });
}
