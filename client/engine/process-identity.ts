import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that got the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** When the process started, in a form that only compares for equality. */
  startId: string;
}

/**
 * Start of a live process; null if there is none.
 * On Linux boot id and start tick, elsewhere what `ps` says (to the second).
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html field 22
 */
export function processStartId(pid: number): string | null {
  if (process.platform !== 'linux') return startFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in field 2 may hold spaces and brackets; fields are counted after its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const zombie = fields[0] === 'Z' || fields[0] === 'X';
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return zombie ? null : `${bootId}:${fields[19] ?? ''}`;
  } catch {
    // No such process, which is the answer.
    return null;
  }
}

function startFromPs(pid: number): string | null {
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    // ps fails when there is no such process.
    return null;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return processStartId(identity.pid) === identity.startId;
}
