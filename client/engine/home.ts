import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { SluiceError } from '../../domain/errors.ts';

/** Longest path every platform takes for a Unix socket (macOS 103 bytes, Linux 107), with some room. */
const longestSocketPath = 100;

/** Where the parts of one home lie. */
export interface EnginePaths {
  home: string;
  /** What runs now, without secrets. */
  stateFile: string;
  lockFile: string;
  socket: string;
  logs: { engine: string; server: string; worker: string; emulator: string; api: string };
}

/** `SLUICE_HOME`, or `~/.sluice`. */
export function defaultHome(env: NodeJS.ProcessEnv): string {
  return resolve(env['SLUICE_HOME'] || join(homedir(), '.sluice'));
}

export function enginePaths(home: string): EnginePaths {
  const root = resolve(home);
  const logs = join(root, 'logs');
  return {
    home: root,
    stateFile: join(root, 'engine.json'),
    lockFile: join(root, 'engine.lock'),
    socket: socketPath(root),
    logs: {
      engine: join(logs, 'engine.log'),
      server: join(logs, 'server.log'),
      worker: join(logs, 'worker.log'),
      emulator: join(logs, 'emulator.log'),
      api: join(logs, 'api.log'),
    },
  };
}

function socketPath(root: string): string {
  const inHome = join(root, 'engine.sock');
  if (Buffer.byteLength(inHome) <= longestSocketPath) return inHome;
  const hash = createHash('sha256').update(root).digest('hex').slice(0, 16);
  return join(tmpdir(), `sluice-${userInfo().uid}-${hash}`, 'engine.sock');
}

/** Makes the directories of a home, readable by their owner only. */
export function createHome(paths: EnginePaths): void {
  try {
    mkdirSync(paths.home, { recursive: true, mode: 0o700 });
    mkdirSync(dirname(paths.logs.engine), { recursive: true, mode: 0o700 });
    if (dirname(paths.socket) !== paths.home) mkdirSync(dirname(paths.socket), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new SluiceError('ENGINE_START_FAILED', `SLUICE_HOME ${paths.home} cannot be written: ${String(error)}.`, {
      action: 'Set SLUICE_HOME to a directory you can write to.',
      cause: error,
    });
  }
}

/** Below this SQLite cannot be relied on to write, and without its database the engine answers nothing. */
const leastFreeBytes = 1024 * 1024;

/** Throws STORAGE_FULL when the engine's own disk is full: better at once than after every time limit. */
export function assertHomeHasRoom(paths: EnginePaths): void {
  if (!existsSync(paths.home)) return;
  const { bavail, bsize } = statfsSync(paths.home);
  if (bavail * bsize >= leastFreeBytes) return;
  const free = `${String(Math.floor((bavail * bsize) / 1024))} KiB`;
  throw new SluiceError('STORAGE_FULL', `Only ${free} are free for the engine in ${paths.home}.`, {
    action: 'Free disk space there: running batches then go on by themselves.',
  });
}

/**
 * Keys are sent through the control socket, so a socket outside the home counts only if its directory
 * is ours: anyone may create names in the temporary directory.
 */
export function assertSocketIsOurs(paths: EnginePaths): void {
  const directory = dirname(paths.socket);
  if (directory === paths.home) return;
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory() || stat.uid !== userInfo().uid || (stat.mode & 0o077) !== 0)
    throw new SluiceError('ENGINE_UNAVAILABLE', `${directory} belongs to somebody else or is open to others.`, {
      action: 'Set SLUICE_HOME to a shorter path.',
    });
}
