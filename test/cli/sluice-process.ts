import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

/** The compiled command line, as users run it; `npm test` builds it before the tests. */
const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'main.js');
const ownEnv = /^(?:GEMINI_|OPENAI_|ANTHROPIC_|TEMPORAL_|SLUICE_|OTEL_)/;

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Record<string, string>;
  /** What standard input holds. @default nothing */
  input?: string;
  /** Options of Node itself. */
  node?: string[];
}

/** A command under way. */
export interface Running {
  child: ChildProcess;
  /** What it has written so far. */
  stdout: () => string;
  stderr: () => string;
  done: Promise<Finished>;
}

/** A directory to work in and a home of its own, both with names that are no plain words. */
export class Sandbox {
  readonly root = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
  readonly cwd = join(this.root, 'work ünï 猫');
  readonly home = join(this.root, 'home dir');

  constructor() {
    mkdirSync(this.cwd);
  }

  path(...names: string[]): string {
    return join(this.cwd, ...names);
  }

  /** Writes an input of prompts; `item-1` asks for `prompt 1`. Returns its relative path. */
  prompts(name: string, count: number, prompt = (n: number): string => `prompt ${String(n)}`): string {
    const rows = Array.from({ length: count }, (_, index) => `item-${String(index + 1)},${prompt(index + 1)}\n`);
    writeFileSync(this.path(name), `id,prompt\n${rows.join('')}`);
    return name;
  }

  start(args: string[], options: RunOptions = {}): Running {
    const running = this.spawn(process.execPath, [...(options.node ?? []), program, ...args], options.env);
    running.child.stdin?.end(options.input ?? '');
    return running;
  }

  /**
   * Starts a command in a terminal of its own: standard input is its keyboard, and what it shows comes on
   * standard output. By `script` of util-linux, so not skipped but failed where there is none.
   */
  startInTerminal(args: string[], options: { columns: number; env?: Record<string, string> }): Running {
    const command = [process.execPath, program, ...args].map(quoted).join(' ');
    const size = `stty columns ${String(options.columns)} rows 40`;
    return this.spawn(
      'script',
      ['--quiet', '--return', '--command', `${size}; exec ${command}`, '/dev/null'],
      options.env,
    );
  }

  private spawn(command: string, args: string[], env: Record<string, string> = {}): Running {
    const inherited = Object.entries(process.env).filter(([name]) => !ownEnv.test(name));
    const child = spawn(command, args, {
      cwd: this.cwd,
      env: { ...Object.fromEntries(inherited), SLUICE_HOME: this.home, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.stdin.on('error', () => undefined);
    const done = new Promise<Finished>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => {
        resolve({ status, stdout, stderr });
      });
    });
    return { child, stdout: () => stdout, stderr: () => stderr, done };
  }

  /** Runs a command to its end. */
  sluice(args: string[], options: RunOptions = {}): Promise<Finished> {
    return this.start(args, options).done;
  }

  /** Runs a command that prints one JSON object, and nothing else, on standard output. */
  async json(args: string[], options: RunOptions = {}): Promise<Finished & { json: Record<string, unknown> }> {
    const finished = await this.sluice(args, options);
    const lines = finished.stdout.split('\n').filter((line) => line !== '');
    if (lines.length !== 1) throw new Error(`not one line on standard output: ${JSON.stringify(finished)}`);
    return { ...finished, json: z.record(z.string(), z.unknown()).parse(JSON.parse(finished.stdout)) };
  }

  /** Stops the engine and removes everything. */
  async dispose(): Promise<void> {
    await this.sluice(['down']);
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** One word of a shell's command. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Waits until something holds; what it is waiting for is named when it never does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await delay(25);
  }
}

/** An emulated Gemini in a process of its own, started by the command line. */
export class EmulatedGemini {
  readonly log: string;
  private readonly running: Running;
  private url = '';

  private constructor(sandbox: Sandbox, name: string, args: string[]) {
    this.log = join(sandbox.root, `${name}.jsonl`);
    this.running = sandbox.start(['emulator', 'gemini', '--latency-ms', '1', '--log', this.log, ...args]);
  }

  static async start(sandbox: Sandbox, name: string, ...args: string[]): Promise<EmulatedGemini> {
    const emulator = new EmulatedGemini(sandbox, name, args);
    await until('the emulator says where it is', () => {
      emulator.url = /GEMINI_BASE_URL=(\S+)/.exec(emulator.running.stderr())?.[1] ?? '';
      return emulator.url !== '';
    });
    return emulator;
  }

  /** Environment of a command that is to use it. */
  get env(): Record<string, string> {
    return { GEMINI_API_KEY: 'any', GEMINI_BASE_URL: this.url };
  }

  /** Prompts of all calls so far, in the order they came. */
  prompts(): string[] {
    const row = z.object({ event: z.string(), prompt: z.string().nullable() });
    return readFileSync(this.log, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => row.parse(JSON.parse(line)))
      .filter(({ event }) => event === 'start')
      .map(({ prompt }) => prompt ?? '');
  }

  async stop(): Promise<void> {
    this.running.child.kill('SIGTERM');
    await this.running.done;
  }
}
