import { isDeepStrictEqual } from 'node:util';
import type { ConnectOptions } from '../client/connect-options.ts';
import { Sluice } from '../client/sluice.ts';
import { engineStatus } from '../client/engine/ensure-engine.ts';
import { assertHomeHasRoom, enginePaths } from '../client/engine/home.ts';
import { SluiceError } from '../domain/errors.ts';

/** How long a request waits for an engine that is still starting, milliseconds. */
const patienceMs = 10_000;

/**
 * The service's connection to its engine, made when it is first needed and made again when it could not be:
 * the service listens before the engine is ready, and outlives restarts of its parts.
 */
export class EngineLink {
  readonly #home: string;
  readonly #interceptors: ConnectOptions['interceptors'];
  #connecting: Promise<Sluice> | null = null;
  #connected: Sluice | null = null;

  constructor(home: string, { interceptors }: Pick<ConnectOptions, 'interceptors'> = {}) {
    this.#home = home;
    this.#interceptors = interceptors;
  }

  /** @throws SluiceError ENGINE_UNAVAILABLE */
  async sluice(): Promise<Sluice> {
    if (this.#connected !== null) return this.#connected;
    const gaveUp = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      gaveUp.reject(new SluiceError('ENGINE_UNAVAILABLE', 'The engine is still starting.'));
    }, patienceMs);
    try {
      return await Promise.race([this.#connect(), gaveUp.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * For a submission: it is made with the keys and GPUs the engine has by now, which commands may have brought
   * since the last one.
   */
  async forSubmission(): Promise<Sluice> {
    const sluice = await this.sluice();
    const engine = await engineStatus(this.#home);
    const { live, gpus } = sluice.engine;
    if (engine === null || isDeepStrictEqual([engine.live, engine.gpus], [live, gpus])) return sluice;
    this.#connected = null;
    // Requests under way still use the former connection; it is closed with the process.
    return this.sluice();
  }

  /** For what is to be started: an engine without room would answer after every time limit. @throws SluiceError STORAGE_FULL */
  assertRoom(): void {
    assertHomeHasRoom(enginePaths(this.#home));
  }

  /** Whether the engine answers now; does not wait for one that is starting. */
  async answers(): Promise<boolean> {
    if (this.#connected !== null) return this.#connected.answers();
    // Asked for, so that it is there some time.
    this.#connect().catch(() => undefined);
    return false;
  }

  async close(): Promise<void> {
    await this.#connected?.close();
  }

  #connect(): Promise<Sluice> {
    const options = { home: this.#home, start: false, keys: 'engine', interceptors: this.#interceptors } as const;
    this.#connecting ??= Sluice.connect(options)
      .then((sluice) => (this.#connected = sluice))
      .finally(() => {
        this.#connecting = null;
      });
    return this.#connecting;
  }
}
