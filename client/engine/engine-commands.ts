import { join } from 'node:path';
import type { ApiSettings } from '../api-settings.ts';
import { devServerArgs, type DevServerConfig } from './dev-server-config.ts';
import { withCredentials, type Credentials } from './credentials.ts';
import type { EnginePaths } from './home.ts';
import { isBuilt, programPath } from './package-root.ts';
import type { ProcessSpec } from './supervised-process.ts';
import { portAnswers, temporalAnswers } from './temporal-setup.ts';

/** Arguments of `node` for the engine's own programs; tests put small ones in their place. */
export interface EngineCommands {
  worker: readonly string[];
  /** `--port N --comfyui-port M` is added. */
  emulator: readonly string[];
  api: readonly string[];
}

export const engineCommands: EngineCommands = {
  worker: [programPath('workers/main')],
  emulator: [programPath('cli/main'), 'emulator', 'all', '--quiet'],
  // Its sources have decorators, which Node cannot strip; a build has none.
  api: [...(isBuilt ? [] : ['--import', programPath('api/from-source')]), programPath('api/main')],
};

const nodeArgs = ['--disable-warning=ExperimentalWarning', '--enable-source-maps'];

/**
 * MiB, for each of a worker's threads. About 100 are alive at most, however large a batch; on a machine with
 * much memory V8 would keep several times that in garbage (docs/performance.md).
 */
const workerHeap = ['--max-semi-space-size=8', '--max-old-space-size=1024'];

/**
 * MiB. What a request leaves behind is small and short-lived; V8 would let garbage of an upload grow to several
 * times the memory that is used (`npm run bench api`).
 */
const apiHeap = ['--max-semi-space-size=4', '--optimize-for-size'];

/** The server sees nothing of the user's environment that could hold a key or change its settings. */
export function serverSpec(
  binary: string,
  config: DevServerConfig,
  paths: EnginePaths,
  ports: { server: number; ui: number },
  env: NodeJS.ProcessEnv,
): ProcessSpec {
  return {
    command: binary,
    args: devServerArgs(config, { databaseFile: join(paths.home, config.database), ports }),
    env: { ...plainEnvironment(env), ...config.env },
    logFile: paths.logs.server,
    // A refused gRPC connection is tried again after a whole second only, so the port is asked first.
    ready: async () =>
      (await portAnswers(config.ip, ports.server)) &&
      (await temporalAnswers(hostPort(config.ip, ports.server), config.namespace, 2_000)),
    graceMs: 5_000,
  };
}

/** Says itself when it is ready: its ports may answer although another process has taken one of them. */
export function emulatorSpec(
  command: readonly string[],
  ports: { emulator: number; comfyui: number },
  paths: EnginePaths,
  env: NodeJS.ProcessEnv,
): ProcessSpec {
  return {
    command: process.execPath,
    args: [...nodeArgs, ...command, '--port', String(ports.emulator), '--comfyui-port', String(ports.comfyui)],
    env: plainEnvironment(env),
    logFile: paths.logs.emulator,
    ready: 'ipc',
    graceMs: 2_000,
  };
}

export function workerSpec(
  command: readonly string[],
  paths: EnginePaths,
  place: { address: string; namespace: string; emulatorUrl: string; comfyEmulatorUrl: string },
  credentials: Credentials,
  env: NodeJS.ProcessEnv,
): ProcessSpec {
  return {
    command: process.execPath,
    args: [...nodeArgs, ...workerHeap, ...command],
    env: {
      ...withCredentials(env, credentials),
      SLUICE_HOME: paths.home,
      SLUICE_EMULATOR_URL: place.emulatorUrl,
      SLUICE_COMFY_EMULATOR_URL: place.comfyEmulatorUrl,
      TEMPORAL_ADDRESS: place.address,
      TEMPORAL_NAMESPACE: place.namespace,
    },
    logFile: paths.logs.worker,
    ready: 'ipc',
    graceMs: 10_000,
  };
}

/** The REST service calls no provider, so it gets no keys. */
export function apiSpec(
  command: readonly string[],
  paths: EnginePaths,
  place: { address: string; namespace: string; port: number },
  api: ApiSettings,
  env: NodeJS.ProcessEnv,
): ProcessSpec {
  return {
    command: process.execPath,
    args: [...nodeArgs, ...apiHeap, ...command],
    env: {
      ...plainEnvironment(env),
      ...kept(env, ['SLUICE_LOG_LEVEL', 'NODE_COMPILE_CACHE']),
      ...kept(env, namesOf(env, 'OTEL_')),
      SLUICE_HOME: paths.home,
      SLUICE_API: JSON.stringify({ ...api, port: place.port }),
      TEMPORAL_ADDRESS: place.address,
      TEMPORAL_NAMESPACE: place.namespace,
    },
    logFile: paths.logs.api,
    ready: 'ipc',
    graceMs: 5_000,
  };
}

export function hostPort(ip: string, port: number): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
}

function plainEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return kept(env, ['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'USER']);
}

function namesOf(env: NodeJS.ProcessEnv, prefix: string): string[] {
  return Object.keys(env).filter((name) => name.startsWith(prefix));
}

function kept(env: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
}
