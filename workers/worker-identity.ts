import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { isAlive, processStartId } from '../client/engine/process-identity.ts';

/**
 * Names this process to Temporal so that no other process, before or after, has the same name:
 * `<pid>@<host> <boot id>:<start tick> <pid namespace>`. Elsewhere than on Linux only `<pid>@<host>`.
 */
export function workerIdentity(): string {
  const name = `${String(process.pid)}@${hostname()}`;
  const namespace = pidNamespace();
  return namespace === null ? name : `${name} ${processStartId(process.pid) ?? ''} ${namespace}`;
}

/**
 * Whether a worker is known to be dead: it ran in this process's own boot and pid namespace, and there is
 * no such process any more. Of any other worker nothing is known from here: false.
 */
export function isDeadWorker(identity: string): boolean {
  const [, pid, startId = '', boot, namespace] = /^(\d+)@\S+ ((\S+):\d+) (\S+)$/.exec(identity) ?? [];
  if (pid === undefined || namespace !== pidNamespace()) return false;
  if (processStartId(process.pid)?.startsWith(`${boot ?? ''}:`) !== true) return false;
  return !isAlive({ pid: Number(pid), startId });
}

/** Tells containers of one machine apart, in which the same pid is another process. */
function pidNamespace(): string | null {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Not Linux.
    return null;
  }
}
