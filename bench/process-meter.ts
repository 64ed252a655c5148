import { readFileSync, writeFileSync } from 'node:fs';

/** Kernel ticks are given to user space as hundredths of a second on every Linux. */
const msPerTick = 10;

/**
 * CPU time and memory of another process, from `/proc` (Linux only).
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export class ProcessMeter {
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  /** User and system time since the process started, all threads, milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // The name in field 2 may hold spaces and brackets; fields are counted after its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * msPerTick;
  }

  /** Resident memory at its highest since `resetPeak`, MiB. */
  peakMiB(): number {
    return this.#statusMiB('VmHWM');
  }

  residentMiB(): number {
    return this.#statusMiB('VmRSS');
  }

  /** @see https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html value 5 */
  resetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  #statusMiB(field: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  }
}

/** CPU time several processes took while `work` ran, and how long it took, milliseconds. */
export async function measured<Name extends string, Value>(
  meters: Record<Name, ProcessMeter>,
  work: () => Promise<Value>,
): Promise<{ value: Value; wallMs: number; cpuMs: Record<Name, number> }> {
  const names = Object.keys(meters) as Name[];
  const before = names.map((name) => meters[name].cpuMs());
  const startedAt = performance.now();
  const value = await work();
  const wallMs = performance.now() - startedAt;
  const cpu = names.map((name, place) => [name, meters[name].cpuMs() - (before[place] ?? 0)]);
  return { value, wallMs, cpuMs: Object.fromEntries(cpu) as Record<Name, number> };
}
