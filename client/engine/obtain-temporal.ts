import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { programPath } from './package-root.ts';
import { cachedTemporal, findOnPath, temporalVersion } from './temporal-cache.ts';

const run = promisify(execFile);

/** A download that has not created its file by then has no network. */
const firstByteMs = 8_000;
const downloadMs = 300_000;
const buildMs = 3_600_000;

/** Why a way to get the server did not work, in one line. */
export interface Failure {
  reason: string;
}

/**
 * Puts the version we want into the cache by a download of Temporal's own client.
 * The client only downloads as part of starting a server, so it does both in a process that is ended.
 */
export async function downloadTemporal(env: NodeJS.ProcessEnv): Promise<Failure | null> {
  return await intoCache(env, async (directory) => {
    const child = spawn(process.execPath, [programPath('client/engine/download-temporal'), directory], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
    const exited = once(child, 'exit').then(() => true);
    const started = Date.now();
    for (;;) {
      if (await Promise.race([exited, sleep(100, false)])) break;
      const begun = readdirSync(directory).length > 0;
      if (Date.now() - started > (begun ? downloadMs : firstByteMs)) {
        child.kill('SIGKILL');
        await exited;
        return { reason: 'the download does not answer' };
      }
    }
    const file = readdirSync(directory).find((name) => name === `temporal-v${temporalVersion}`);
    return file === undefined ? { reason: lastLine(output) } : join(directory, file);
  });
}

/** Puts the version we want into the cache by building it, which takes minutes. Needs `go` on PATH. */
export async function buildTemporal(env: NodeJS.ProcessEnv): Promise<Failure | null> {
  const go = findOnPath('go', env);
  if (go === null) return { reason: 'go is not on PATH' };
  return await intoCache(env, async (directory) => {
    try {
      const target = `github.com/temporalio/cli/cmd/temporal@v${temporalVersion}`;
      await run(go, ['install', target], {
        cwd: directory,
        env: { ...env, GOBIN: directory },
        timeout: buildMs,
        maxBuffer: 64 * 1024 * 1024,
      });
      return join(directory, 'temporal');
    } catch (error) {
      const text = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
      return { reason: lastLine(text) };
    }
  });
}

/** Runs `make` in a directory beside the final place and moves what it made there in one step. */
async function intoCache(
  env: NodeJS.ProcessEnv,
  make: (directory: string) => Promise<string | Failure>,
): Promise<Failure | null> {
  const final = cachedTemporal(env);
  mkdirSync(dirname(final), { recursive: true });
  const directory = mkdtempSync(`${dirname(final)}-tmp-`);
  try {
    const made = await make(directory);
    if (typeof made !== 'string') return made;
    chmodSync(made, 0o755);
    renameSync(made, final);
    return null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function lastLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return (lines.at(-1) ?? 'no reason given').trim().slice(0, 300);
}
