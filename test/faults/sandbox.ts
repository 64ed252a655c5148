import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { BatchReport } from '../../client/batch-report.ts';
import { requestStatus } from '../../client/engine/control-client.ts';
import { stopEngine } from '../../client/engine/ensure-engine.ts';
import type { EngineReport } from '../../client/engine/engine-status.ts';
import { enginePaths } from '../../client/engine/home.ts';
import { isAlive, processStartId } from '../../client/engine/process-identity.ts';
import { readCallLog } from '../../emulators/shared/call-log.ts';

const launcher = join(import.meta.dirname, '../../sluice');

export interface Ended {
  /** Null after a signal. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** A running command. */
export interface Command {
  pid: number;
  ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

export interface EmulatorFlags {
  latencyMs?: number;
  faults?: string;
  rpm?: number;
  /** @default any free one */
  port?: number;
}

/** A ComfyUI server for the engine. */
interface SandboxGpu {
  name: string;
  url: string;
}

type Part = 'server' | 'worker' | 'supervisor';

/**
 * One home, one directory for files, and a Gemini emulator in a process of its own, so that a fault of
 * the engine leaves the provider and its call log alone. Everything is real: processes, sockets, files.
 */
export class Sandbox {
  readonly root = mkdtempSync(join(tmpdir(), 'sluice-faults-'));
  readonly home = join(this.root, 'home');
  readonly callLog = join(this.root, 'calls.jsonl');
  readonly #mounts: string[] = [];
  readonly #commands = new Set<ChildProcess>();
  #emulator: { process: ChildProcess; port: number } | null = null;
  #gpus: readonly SandboxGpu[] = [];

  /** The built launcher is what runs, so it is brought up to date first. */
  static async create(flags: EmulatorFlags = {}): Promise<Sandbox> {
    await promisify(execFile)(launcher, { env: { ...process.env, SLUICE_PREPARE: 'build' } });
    const sandbox = new Sandbox();
    await sandbox.startEmulator(flags);
    return sandbox;
  }

  /** Gives the engine's workers these servers, from its next start on. */
  useGpus(gpus: readonly SandboxGpu[]): void {
    this.#gpus = gpus;
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** A small disk of its own. Needs the right to mount: where that is missing the test fails and says so. */
  mountDisk(directory: string, mebibytes: number): string {
    mkdirSync(directory, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${String(mebibytes)}m`, 'tmpfs', directory]);
    this.#mounts.push(directory);
    return directory;
  }

  /** Writes a CSV of items with unlike texts in these columns and returns its path. */
  input(name: string, items: number, columns: readonly string[] = ['prompt']): string {
    const rows = Array.from({ length: items }, (_, n) =>
      [`${name}-${String(n)}`, ...columns.map(() => `${name} picture ${String(n)}`)].join(','),
    );
    writeFileSync(this.path(`${name}.csv`), [['id', ...columns].join(','), ...rows, ''].join('\n'));
    return this.path(`${name}.csv`);
  }

  /** Input and options of a batch that runs a flow; of texts all by one model, whose answers are short. */
  batchOf(flow: string, name: string, items: number): string[] {
    if (flow === 'image') return [this.input(name, items)];
    const input = this.input(name, items, ['title', 'summary']);
    return [input, '--flow', flow, '--model', 'gemini-lite', '--param', 'words=40'];
  }

  /** Starts the emulator, again on its port if it ran before. */
  async startEmulator(flags: EmulatorFlags = {}): Promise<void> {
    await this.stopEmulator();
    const args = ['emulator', 'gemini', '--port', String(flags.port ?? this.#emulator?.port ?? 0)];
    args.push('--latency-ms', String(flags.latencyMs ?? 300), '--log', this.callLog);
    if (flags.faults !== undefined) args.push('--faults', flags.faults);
    if (flags.rpm !== undefined) args.push('--rpm', String(flags.rpm));
    const child = spawn(launcher, args, { stdio: ['ignore', 'pipe', 'ignore'], env: this.#environment() });
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    this.#emulator = { process: child, port: Number(new URL(line).port) };
  }

  async stopEmulator(): Promise<void> {
    const child = this.#emulator?.process;
    if (child !== undefined) await end(child, 'SIGTERM');
  }

  /** Starts a command of the command line. */
  start(...args: string[]): Command {
    const child = spawn(launcher, args, {
      cwd: this.root,
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#commands.add(child);
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]).then(
      ([stdout, stderr]) => {
        this.#commands.delete(child);
        return { status: child.exitCode, stdout, stderr };
      },
    );
    return { pid: child.pid ?? -1, ended, kill: (signal) => child.kill(signal) };
  }

  run(...args: string[]): Promise<Ended> {
    return this.start(...args).ended;
  }

  /** What the engine says of itself; null if none runs. */
  engine(): Promise<EngineReport | null> {
    return requestStatus(enginePaths(this.home)).catch(() => null);
  }

  /** Kills a part of the engine and waits until it is gone; false if it did not run just then. */
  async kill(part: Part, signal: NodeJS.Signals = 'SIGKILL'): Promise<boolean> {
    const report = await this.engine();
    const pid = part === 'supervisor' ? report?.pid : report?.processes.find((process) => process.name === part)?.pid;
    if (pid === undefined || pid === null) return false;
    const startId = processStartId(pid);
    if (startId === null) return false;
    process.kill(pid, signal);
    await until(`${part} is gone`, () => !isAlive({ pid, startId }));
    await this.#hasHeard();
    return true;
  }

  /** Resolves once the emulator has noted what was on its way to it: it reads its connections in turn. */
  async #hasHeard(): Promise<void> {
    if (this.#emulator?.process.exitCode !== null) return;
    for (let turn = 0; turn < 3; turn += 1) {
      await (await fetch(`http://127.0.0.1:${String(this.#emulator.port)}/`)).arrayBuffer();
    }
  }

  /** Calls the emulator has seen, in order of arrival. */
  calls(): ReturnType<typeof readCallLog> {
    return existsSync(this.callLog) ? readCallLog(this.callLog) : [];
  }

  /** Calls for the items of one input: prompts that are, or have in them, the text of one. */
  callsOf(name: string): ReturnType<typeof readCallLog> {
    const text = new RegExp(`(?:^|\\s)${name} picture \\d`);
    return this.calls().filter(({ prompt }) => text.test(prompt ?? ''));
  }

  /** Ends everything this sandbox started and removes its files. */
  async close(): Promise<void> {
    await Promise.all([...this.#commands].map((child) => end(child, 'SIGKILL')));
    await stopEngine(this.home);
    await this.stopEmulator();
    for (const mount of this.#mounts) execFileSync('umount', ['--lazy', mount]);
    rmSync(this.root, { recursive: true, force: true });
  }

  #environment(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(
      ([name]) => !/^(SLUICE|GEMINI|OPENAI|ANTHROPIC|TEMPORAL|VITEST|NODE)_/.test(name),
    );
    return {
      ...Object.fromEntries(kept),
      SLUICE_HOME: this.home,
      GEMINI_API_KEY: 'any',
      ...(this.#gpus.length === 0 ? {} : { SLUICE_GPUS: JSON.stringify(this.#gpus) }),
      GEMINI_BASE_URL: `http://127.0.0.1:${String(this.#emulator?.port ?? 0)}`,
    };
  }
}

/** What a command printed with `--json`. */
export function reportOf({ stdout, stderr }: Ended): BatchReport {
  if (stdout === '') throw new Error(`the command printed nothing: ${stderr}`);
  return JSON.parse(stdout) as BatchReport;
}

/** Polls until `look` gives something; fails, naming what was waited for, after `deadlineMs`. */
export async function until<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  deadlineMs = 90_000,
): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`not within ${String(deadlineMs / 1000)} s: ${what}`);
    await sleep(20);
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}
