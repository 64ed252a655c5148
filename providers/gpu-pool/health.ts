import { SluiceError } from '../../domain/errors.ts';
import type { ComfyClient } from '../comfyui/client.ts';
import type { Clock } from '../limiter/clock.ts';
import type { GpuDevice } from './types.ts';

interface HealthOptions {
  name: string;
  client: Pick<ComfyClient, 'systemStats'>;
  clock: Clock;
  /** Between the end of a probe and the next one, milliseconds. */
  probeMs: number;
  /** A server that accepts connections but does not answer within this is dead, milliseconds. */
  probeTimeoutMs: number;
  onAlive: (device: GpuDevice) => void;
  onDead: (error: string) => void;
}

/** Asks an endpoint again and again whether it is alive, from now on. */
export class HealthProbe {
  readonly #options: HealthOptions;
  /** The probe whose outcome counts. */
  #current: AbortController | undefined;
  #cancelTimer: () => void = () => undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    void this.#probe();
  }

  /** Somebody met it dead: what a probe under way finds out may be from before that. */
  distrust(): void {
    this.close();
    this.#probeLater();
  }

  close(): void {
    this.#cancelTimer();
    this.#current?.abort();
    this.#current = undefined;
  }

  #probeLater(): void {
    this.#cancelTimer = this.#options.clock.after(this.#options.probeMs, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    const { name, client, clock, probeTimeoutMs, onAlive, onDead } = this.#options;
    const probe = (this.#current = new AbortController());
    this.#cancelTimer = clock.after(probeTimeoutMs, () => {
      probe.abort(new SluiceError('TIMEOUT', `${name} did not answer within ${probeTimeoutMs / 1_000} s.`));
    });
    let device: GpuDevice | undefined;
    let error = `${name} has no GPU.`;
    try {
      device = (await client.systemStats({ signal: probe.signal })).devices[0];
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown);
    }
    if (this.#current !== probe) return;
    this.#cancelTimer();
    this.#probeLater();
    if (device === undefined) onDead(error);
    else onAlive({ name: device.name, vramTotalBytes: device.vramTotalBytes, vramFreeBytes: device.vramFreeBytes });
  }
}
