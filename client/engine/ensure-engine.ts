import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../domain/errors.ts';
import { requestCredentials, requestStatus, requestStop } from './control-client.ts';
import { readEngineState, removeEngineState, type EngineState } from './engine-state.ts';
import { credentialsFrom, mergeCredentials, withCredentials, type Credentials } from './credentials.ts';
import { damagedDatabase } from './damaged-database.ts';
import type { EngineReport, EngineStatus } from './engine-status.ts';
import { findTemporal } from './find-temporal.ts';
import { assertHomeHasRoom, createHome, enginePaths, type EnginePaths } from './home.ts';
import { endLeftovers, endProcess } from './leftovers.ts';
import { tryLock } from './lock.ts';
import { lastWords, logSize } from './log-file.ts';
import { currentBuildId, programPath } from './package-root.ts';
import { homeTakenStatus } from './run-engine.ts';

const startTimeoutMs = 60_000;
const stopTimeoutMs = 30_000;
/** For one that did not answer for 5 s already. */
const unresponsiveMs = 5_000;
const pollMs = 50;

export interface EnsureEngineOptions {
  home: string;
  /** Start one if none runs. @default true */
  start?: boolean;
  /** Told in one line each what takes time or was done unasked. */
  notice: (line: string) => void;
  /** Given to the engine if it works with others; what it has of parts not given here, it keeps. */
  credentials?: Credentials;
  /** Environment of an engine that has to be started. @default process.env */
  env?: NodeJS.ProcessEnv;
  /** The supervisor's program; tests put one with other children in its place. */
  supervisor?: string;
}

/**
 * The engine of a home, started if need be, ready for work. Callers at the same time get the same one.
 *
 * @throws SluiceError ENGINE_UNAVAILABLE if none runs and `start` is false, or it does not answer;
 * ENGINE_START_FAILED with the log and its last line; TEMPORAL_BINARY_MISSING
 */
export async function ensureEngine(options: EnsureEngineOptions): Promise<EngineStatus> {
  const paths = enginePaths(options.home);
  const env = options.env ?? process.env;
  assertHomeHasRoom(paths);
  const running = await requestStatus(paths);
  if (running === null && options.start === false)
    throw new SluiceError('ENGINE_UNAVAILABLE', `No engine runs for ${paths.home}.`);
  const ready = isReady(running) ? running : await startAndWait(paths, options, env);
  const wanted = env['TEMPORAL_ADDRESS'];
  if (wanted && wanted !== ready.address)
    throw new SluiceError('ENGINE_UNAVAILABLE', `The engine of ${paths.home} uses ${ready.address}, not ${wanted}.`, {
      action: 'Stop it first with: sluice down. Or set another SLUICE_HOME.',
    });
  const brought = mergeCredentials({}, options.credentials ?? {});
  if (Object.keys(brought).length === 0) return withStale(ready);
  await requestCredentials(paths, brought);
  return (await engineStatus(paths.home)) ?? withStale(ready);
}

/** The engine of a home; null if none runs or it is only just starting or stopping. */
export async function engineStatus(home: string): Promise<EngineStatus | null> {
  const report = await requestStatus(enginePaths(home));
  return hasAddresses(report) ? withStale(report) : null;
}

/**
 * Stops the engine of a home and what a killed one left behind; resolves when all its processes are gone.
 * @returns false if there was nothing to stop
 */
export async function stopEngine(home: string): Promise<boolean> {
  const paths = enginePaths(home);
  if (!existsSync(paths.home)) return false;
  // One that does not answer is ended by signal below.
  const asked = await requestStop(paths).catch(() => false);
  const deadline = Date.now() + (asked ? stopTimeoutMs : 0);
  let supervisor: EngineState | null = null;
  for (;;) {
    const state = readEngineState(paths.stateFile);
    supervisor = state ?? supervisor;
    const lock = tryLock(paths.lockFile);
    if (lock !== null) {
      // It gives the home back just before it ends.
      if (supervisor !== null) await endProcess(supervisor, unresponsiveMs);
      // Nobody serves the home: what is still on record was left behind.
      if (state !== null) await endLeftovers(state);
      removeEngineState(paths.stateFile);
      lock.release();
      return asked || state !== null;
    }
    if (Date.now() > deadline && state !== null) await endProcess(state, unresponsiveMs);
    await sleep(pollMs);
  }
}

async function startAndWait(
  paths: EnginePaths,
  options: EnsureEngineOptions,
  env: NodeJS.ProcessEnv,
): Promise<ReadyReport> {
  const logFrom = logSize(paths.logs.engine);
  let supervisor: ChildProcess | null = null;
  let binary: string | undefined;
  let deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const report = await requestStatus(paths);
    if (isReady(report)) return report;
    const ended = supervisor !== null && (supervisor.exitCode !== null || supervisor.signalCode !== null);
    if (ended && supervisor?.exitCode !== homeTakenStatus) throw startFailure(paths, logFrom);
    if (report === null && (supervisor === null || ended)) {
      if (options.start === false)
        throw new SluiceError('ENGINE_UNAVAILABLE', `The engine of ${paths.home} has stopped.`);
      if (supervisor === null) {
        if (!env['TEMPORAL_ADDRESS']) binary = await findTemporal(env, options.notice);
        options.notice(`Starting the engine of ${paths.home} (stop it with: sluice down)`);
        deadline = Date.now() + startTimeoutMs;
      }
      supervisor = spawnSupervisor(paths, options, { ...env, SLUICE_TEMPORAL_BINARY: binary });
    }
    if (Date.now() > deadline) throw startFailure(paths, logFrom);
    await sleep(pollMs);
  }
}

function spawnSupervisor(paths: EnginePaths, options: EnsureEngineOptions, env: NodeJS.ProcessEnv): ChildProcess {
  createHome(paths);
  const log = openSync(paths.logs.engine, 'a', 0o600);
  const credentials = mergeCredentials(credentialsFrom(env), options.credentials ?? {});
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', options.supervisor ?? programPath('client/engine/supervisor')],
    {
      cwd: paths.home,
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...withCredentials(env, credentials), SLUICE_HOME: paths.home },
    },
  );
  closeSync(log);
  child.unref();
  return child;
}

type ReadyReport = EngineReport & { address: string; emulatorUrl: string; comfyEmulatorUrl: string };

function hasAddresses(report: EngineReport | null): report is ReadyReport {
  return typeof report?.address === 'string' && report.emulatorUrl !== null && report.comfyEmulatorUrl !== null;
}

/** A server that is just being restarted is waited for; a worker need not be: its work is. */
function isReady(report: EngineReport | null): report is ReadyReport {
  const server = report?.processes.find((process) => process.name === 'server');
  return report?.state === 'ready' && hasAddresses(report) && (server === undefined || server.state === 'running');
}

function withStale(report: ReadyReport): EngineStatus {
  return { ...report, stale: report.buildId !== currentBuildId() };
}

function startFailure(paths: EnginePaths, logFrom: number): SluiceError {
  const line = lastWords(paths.logs.engine, logFrom)?.replace(/^.*?error: /, '') ?? 'it wrote nothing';
  const message = `The engine did not start (${paths.logs.engine}): ${line}`;
  return damagedDatabase(paths, line) ?? new SluiceError('ENGINE_START_FAILED', message);
}
