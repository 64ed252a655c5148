import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessStatus } from './engine-status.ts';
import { processStartId } from './process-identity.ts';

/** How one process is run. */
export interface ProcessSpec {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Standard output and error are appended here. */
  logFile: string;
  /** `ipc`: it sends `'ready'` to its parent; otherwise a probe that is asked until it says yes. */
  ready: 'ipc' | (() => Promise<boolean>);
  /** Between SIGTERM and SIGKILL. */
  graceMs: number;
}

const firstBackoffMs = 200;
const longestBackoffMs = 5_000;
/** Up for this long, a process counts as healthy and its next death is answered at once. */
const healthyMs = 30_000;
const probeEveryMs = 50;

interface Running {
  child: ChildProcess;
  spec: ProcessSpec;
  /** Settles when the process is gone. */
  gone: Promise<void>;
}

/**
 * Keeps one process running: starts it again when it dies, after 0.2 s and then ever longer up to 5 s.
 * Each runs in a process group of its own, so that Ctrl-C in a terminal reaches the supervisor alone.
 */
export class SupervisedProcess {
  readonly name: ProcessStatus['name'];
  readonly #spec: () => ProcessSpec;
  readonly #onChange: () => void;
  #running: Running | null = null;
  #state: ProcessStatus['state'] = 'stopped';
  #startedAt: Date | null = null;
  #startId: string | null = null;
  #restarts = 0;
  #deathsInARow = 0;
  #timer: NodeJS.Timeout | null = null;
  #waiters = new Set<() => void>();

  /** @param spec asked at each start, so that a restart takes up what changed */
  constructor(name: ProcessStatus['name'], spec: () => ProcessSpec, onChange: () => void) {
    this.name = name;
    this.#spec = spec;
    this.#onChange = onChange;
  }

  get status(): ProcessStatus {
    return {
      name: this.name,
      pid: this.#running?.child.pid ?? null,
      state: this.#state,
      restarts: this.#restarts,
      startedAt: this.#startedAt?.toISOString() ?? null,
    };
  }

  /** When the present process started, to tell it from a later one with the same pid. */
  get startId(): string | null {
    return this.#startId;
  }

  start(): void {
    const spec = this.#spec();
    const log = openSync(spec.logFile, 'a', 0o600);
    const child = spawn(spec.command, spec.args, {
      env: spec.env,
      detached: true,
      stdio: ['ignore', log, log, ...(spec.ready === 'ipc' ? (['ipc'] as const) : [])],
    });
    closeSync(log);
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
      // Emitted without `exit` when the command could not be started, and alone when a message could not be sent.
      child.once('error', () => {
        if (child.pid === undefined) resolve();
      });
    });
    const running: Running = { child, spec, gone };
    this.#running = running;
    this.#startedAt = new Date();
    this.#startId = child.pid === undefined ? null : processStartId(child.pid);
    this.#enter('starting');
    void gone.then(() => {
      this.#died(running);
    });
    if (spec.ready === 'ipc')
      child.on('message', (message) => {
        if (message === 'ready') this.#becameReady(running);
      });
    else void this.#probe(running, spec.ready);
  }

  /**
   * Resolves when the process is up; false if it was stopped or died `deaths` times before.
   * A process that is up already resolves at once.
   */
  async whenReady(deaths: number): Promise<boolean> {
    const before = this.#restarts;
    for (;;) {
      if (this.#state === 'running') return true;
      if (this.#state === 'stopped' || this.#state === 'stopping') return false;
      const seen = this.#restarts - before + (this.#state === 'waiting' ? 1 : 0);
      if (seen >= deaths) return false;
      await new Promise<void>((resolve) => {
        this.#waiters.add(resolve);
      });
    }
  }

  /** SIGTERM, then SIGKILL for its whole process group; resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const running = this.#running;
    if (running === null) {
      this.#enter('stopped');
      return;
    }
    this.#enter('stopping');
    running.child.kill('SIGTERM');
    const grace = setTimeout(() => {
      killGroup(running.child.pid);
    }, running.spec.graceMs);
    await running.gone;
    clearTimeout(grace);
    this.#enter('stopped');
  }

  async #probe(running: Running, probe: () => Promise<boolean>): Promise<void> {
    while (this.#running === running && this.#state === 'starting') {
      if (await probe().catch(() => false)) this.#becameReady(running);
      else await sleep(probeEveryMs);
    }
  }

  #becameReady(running: Running): void {
    if (this.#running === running && this.#state === 'starting') this.#enter('running');
  }

  #died(running: Running): void {
    if (this.#running !== running) return;
    this.#running = null;
    this.#startId = null;
    if (this.#state === 'stopping') return;
    const upMs = Date.now() - (this.#startedAt?.getTime() ?? 0);
    this.#deathsInARow = upMs >= healthyMs ? 0 : this.#deathsInARow + 1;
    const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.max(0, this.#deathsInARow - 1));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#restarts += 1;
      this.start();
    }, backoffMs);
    this.#enter('waiting');
  }

  #enter(state: ProcessStatus['state']): void {
    this.#state = state;
    this.#onChange();
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}
