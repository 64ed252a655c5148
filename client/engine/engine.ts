import type { Server } from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SluiceError } from '../../domain/errors.ts';
import { withoutCredentials } from '../../domain/gpu-endpoint.ts';
import { vendors } from '../../domain/vendors.ts';
import { apiSettingsFrom, reachableHost, type ApiSettings } from '../api-settings.ts';
import { choosePorts } from './choose-ports.ts';
import { startControlServer } from './control-server.ts';
import { loadDevServerConfig, type DevServerConfig } from './dev-server-config.ts';
import {
  apiSpec,
  emulatorSpec,
  engineCommands,
  hostPort,
  serverSpec,
  workerSpec,
  type EngineCommands,
} from './engine-commands.ts';
import { readEngineState, removeEngineState } from './engine-state.ts';
import { credentialsFrom, mergeCredentials, type Credentials } from './credentials.ts';
import type { EngineReport, ProcessStatus } from './engine-status.ts';
import { findTemporal } from './find-temporal.ts';
import { firstThatFails } from './first-that-fails.ts';
import { assertSocketIsOurs, enginePaths, type EnginePaths } from './home.ts';
import { endLeftovers } from './leftovers.ts';
import { acquireLock } from './lock.ts';
import { rotateLog } from './log-file.ts';
import { currentBuildId, packageRoot } from './package-root.ts';
import { claimPorts, portsOfOthers } from './port-claims.ts';
import { processStartId } from './process-identity.ts';
import { recordEngine } from './record-engine.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { prepareForeignServer } from './foreign-server.ts';
import { setRetention } from './temporal-setup.ts';

export interface EngineOptions {
  home: string;
  env: NodeJS.ProcessEnv;
  log: (line: string) => void;
  commands?: EngineCommands;
}

const startAttempts = 3;

/**
 * One home's engine: Temporal server (unless TEMPORAL_ADDRESS names one), emulators, worker, and
 * the control socket. The caller holds the home's lock for as long as it exists.
 */
export class Engine {
  readonly #paths: EnginePaths;
  readonly #env: NodeJS.ProcessEnv;
  readonly #log: (line: string) => void;
  readonly #commands: EngineCommands;
  readonly #config: DevServerConfig;
  readonly #buildId = currentBuildId();
  readonly #startedAt = new Date().toISOString();
  readonly #externalAddress: string | null;
  readonly #api: ApiSettings;
  readonly #ports: EngineReport['ports'] = { server: null, ui: null, emulator: null, comfyui: null, api: null };
  #credentials: Credentials;
  #state: EngineReport['state'] = 'starting';
  #binary: string | null = null;
  #server: SupervisedProcess | null = null;
  #emulator: SupervisedProcess | null = null;
  #worker: SupervisedProcess | null = null;
  #service: SupervisedProcess | null = null;
  #control: Server | null = null;
  #stopped: Promise<void> | null = null;
  readonly #whenStopped = Promise.withResolvers<undefined>();
  #changingCredentials: Promise<void> = Promise.resolve();

  constructor(options: EngineOptions) {
    this.#paths = enginePaths(options.home);
    this.#env = options.env;
    this.#log = options.log;
    this.#commands = options.commands ?? engineCommands;
    const config = loadDevServerConfig(join(packageRoot, 'temporal-dev.yaml'));
    this.#config = { ...config, namespace: options.env['TEMPORAL_NAMESPACE'] || config.namespace };
    this.#externalAddress = options.env['TEMPORAL_ADDRESS'] || null;
    this.#credentials = credentialsFrom(options.env);
    this.#api = apiSettingsFrom(options.env);
  }

  /** Brings everything up; throws ENGINE_START_FAILED with the reason if one part cannot be started. */
  async start(): Promise<void> {
    assertSocketIsOurs(this.#paths);
    const previous = readEngineState(this.#paths.stateFile);
    this.#control = await startControlServer(this.#paths.socket, {
      status: () => this.report(),
      stop: () => void this.stop(),
      setCredentials: (credentials) => this.#setCredentials(credentials),
    });
    if (previous !== null) {
      this.#log('clearing away what an engine that was killed left behind');
      await endLeftovers(previous);
    }
    const { engine: _own, ...logs } = this.#paths.logs;
    Object.values(logs).forEach(rotateLog);
    if (this.#externalAddress === null) this.#binary = await this.#findBinary();
    await this.#startServerAndEmulator(previous?.ports);
    await this.#prepareNamespace();
    await this.#startWorkerAndApi();
    this.#state = 'ready';
    this.#log(`ready: Temporal ${this.#address() ?? ''}, API ${this.#apiUrl() ?? ''}`);
  }

  /** Stops API, worker, emulator and server in this order; resolves when they are gone. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#state = 'stopping';
      this.#log('stopping');
      await this.#service?.stop();
      await this.#worker?.stop();
      await this.#emulator?.stop();
      await this.#server?.stop();
      removeEngineState(this.#paths.stateFile);
      const control = this.#control;
      if (control !== null) {
        await new Promise<void>((resolve) => {
          control.close(() => {
            resolve();
          });
        });
      }
      this.#log('stopped');
    })().finally(() => {
      this.#whenStopped.resolve(undefined);
    });
    return this.#stopped;
  }

  /** Resolves when the engine has been stopped, by whomever. */
  whenStopped(): Promise<undefined> {
    return this.#whenStopped.promise;
  }

  get stopping(): boolean {
    return this.#stopped !== null;
  }

  report(): EngineReport {
    return {
      home: this.#paths.home,
      pid: process.pid,
      state: this.#state,
      startedAt: this.#startedAt,
      buildId: this.#buildId,
      address: this.#address(),
      namespace: this.#config.namespace,
      uiUrl: this.#urlOf('ui'),
      emulatorUrl: this.#urlOf('emulator'),
      comfyEmulatorUrl: this.#urlOf('comfyui'),
      apiUrl: this.#apiUrl(),
      live: vendors.filter((vendor) => this.#credentials[vendor] !== undefined),
      gpus: (this.#credentials.gpus ?? []).map((gpu) => ({ ...gpu, url: withoutCredentials(gpu.url) })),
      processes: this.#processes().map((process) => process.status),
      ports: { ...this.#ports },
      logs: this.#paths.logs,
      temporalBinary: this.#binary,
    };
  }

  async #findBinary(): Promise<string> {
    return this.#env['SLUICE_TEMPORAL_BINARY'] || (await findTemporal(this.#env, this.#log));
  }

  /**
   * Ports are chosen and taken under a lock of all homes of this user: a server that came second to a
   * port would otherwise look ready, by the answers of the one that came first.
   */
  async #startServerAndEmulator(wanted: EngineReport['ports'] | undefined): Promise<void> {
    const shared = join(tmpdir(), `sluice-${userInfo().uid}-ports`);
    const lock = await acquireLock(`${shared}.lock`);
    try {
      const own = { pid: process.pid, startId: processStartId(process.pid) ?? '' };
      const others = portsOfOthers(`${shared}.json`, own);
      for (let attempt = 1; ; attempt += 1) {
        const { server, ...emulators } = await choosePorts(
          this.#config,
          this.#api,
          wanted,
          others,
          this.#externalAddress === null,
        );
        Object.assign(this.#ports, emulators, server);
        this.#emulator = this.#supervise('emulator', () =>
          emulatorSpec(this.#commands.emulator, emulators, this.#paths, this.#env),
        );
        if (server !== null) {
          const binary = this.#binary ?? '';
          this.#server = this.#supervise('server', () =>
            serverSpec(binary, this.#config, this.#paths, server, this.#env),
          );
        }
        claimPorts(`${shared}.json`, own, Object.values(this.#ports));
        const failed = await firstThatFails([this.#server, this.#emulator], this.#paths.logs, 1);
        if (failed === null) return;
        if (attempt === startAttempts || this.stopping) throw failed;
        await Promise.all([this.#server?.stop(), this.#emulator.stop()]);
      }
    } finally {
      lock.release();
    }
  }

  async #prepareNamespace(): Promise<void> {
    this.#assertWanted();
    const { namespace, retention_days: retentionDays, search_attributes: searchAttributes } = this.#config;
    const address = this.#address() ?? '';
    if (this.#externalAddress === null) {
      await setRetention(address, namespace, retentionDays);
      return;
    }
    await prepareForeignServer({ address, namespace, searchAttributes }, this.#log);
  }

  async #startWorkerAndApi(): Promise<void> {
    const place = {
      address: this.#address() ?? '',
      namespace: this.#config.namespace,
      emulatorUrl: this.#urlOf('emulator') ?? '',
      comfyEmulatorUrl: this.#urlOf('comfyui') ?? '',
    };
    this.#worker = this.#supervise('worker', () =>
      workerSpec(this.#commands.worker, this.#paths, place, this.#credentials, this.#env),
    );
    const port = this.#ports.api ?? 0;
    this.#service = this.#supervise('api', () =>
      apiSpec(this.#commands.api, this.#paths, { ...place, port }, this.#api, this.#env),
    );
    const failed = await firstThatFails([this.#worker, this.#service], this.#paths.logs, startAttempts);
    if (failed !== null) throw failed;
  }

  #supervise(name: ProcessStatus['name'], spec: () => ReturnType<typeof workerSpec>): SupervisedProcess {
    this.#assertWanted();
    const process = new SupervisedProcess(name, spec, () => {
      const { state, pid, restarts } = process.status;
      this.#log(`${name} ${state}${pid === null ? '' : ` pid ${pid}`}${restarts > 0 ? ` restarts ${restarts}` : ''}`);
      this.#record(process);
    });
    process.start();
    return process;
  }

  async #setCredentials(credentials: Credentials): Promise<void> {
    // One after the other: two restarts at once would start two workers.
    const change = this.#changingCredentials.then(async () => {
      const merged = mergeCredentials(this.#credentials, credentials);
      if (isDeepStrictEqual(merged, this.#credentials)) return;
      this.#credentials = merged;
      // None yet: it will start with them.
      const worker = this.#worker;
      if (worker === null) return;
      await worker.stop();
      this.#assertWanted();
      worker.start();
      const failed = await firstThatFails([worker], this.#paths.logs, startAttempts);
      if (failed !== null) throw failed;
    });
    this.#changingCredentials = change.catch(() => undefined);
    await change;
  }

  #assertWanted(): void {
    if (this.stopping) throw new SluiceError('ENGINE_UNAVAILABLE', 'The engine is being stopped.');
  }

  #processes(changed?: SupervisedProcess): SupervisedProcess[] {
    const all = new Set([this.#server, this.#emulator, this.#worker, this.#service, changed ?? null]);
    return [...all].filter((process) => process !== null);
  }

  /** A process that has just been spawned is on record before its field is set. */
  #record(changed: SupervisedProcess): void {
    try {
      recordEngine(this.#paths.stateFile, this.report(), this.#processes(changed));
    } catch (error) {
      // A full disk must not end an engine that runs.
      this.#log(`engine.json was not written: ${String(error)}`);
    }
  }

  #apiUrl(): string | null {
    return this.#ports.api === null ? null : `http://${hostPort(reachableHost(this.#api.host), this.#ports.api)}`;
  }

  #address(): string | null {
    const { server } = this.#ports;
    return this.#externalAddress ?? (server === null ? null : hostPort(this.#config.ip, server));
  }

  #urlOf(name: 'ui' | 'emulator' | 'comfyui'): string | null {
    const port = this.#ports[name];
    return port === null ? null : `http://${hostPort(this.#config.ip, port)}`;
  }
}
