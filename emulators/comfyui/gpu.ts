import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../shared/clock.ts';
import type { GpuLog } from './gpu-log.ts';
import { NodeFailure } from './node-failure.ts';
import type { EmulatorOptions } from './options.ts';

/** SDXL at 1024×1024 and 20 steps: batch size, seconds of a whole prompt, gigabytes with the model. */
const measured = [
  { batch: 1, seconds: 3, gb: 10 },
  { batch: 4, seconds: 10, gb: 22 },
  { batch: 8, seconds: 15, gb: 38 },
] as const;
/** The rest of a prompt's time goes into decoding and saving its pictures. */
const samplingShare = 0.94;
const modelGb = 6.6;
const gigabyte = 1024 ** 3;

export interface Sampling {
  promptId: string;
  batch: number;
  steps: number;
  /** Of one picture. */
  width: number;
  height: number;
}

/** One GPU: what it has loaded, how long its work takes, and when its memory runs out. */
export class VirtualGpu {
  readonly #settings: EmulatorOptions;
  readonly #log: GpuLog;
  #loaded: string | null = null;
  #samplingGb = 0;
  /** When the pictures sampled so far can be decoded and saved. */
  #savedAt = 0;

  constructor(settings: EmulatorOptions, log: GpuLog) {
    this.#settings = settings;
    this.#log = log;
  }

  /** As `/system_stats` shows it, bytes. */
  memory(): { total: number; free: number } {
    const total = this.#settings.vramGb * gigabyte;
    const used = Math.max(this.#samplingGb, this.#loaded === null ? 0 : modelGb) * gigabyte;
    return { total, free: Math.max(0, total - used) };
  }

  unload(): void {
    this.#loaded = null;
  }

  /** Loads a checkpoint unless it is loaded; one fits. */
  async load(promptId: string, checkpoint: string, signal: AbortSignal): Promise<void> {
    if (this.#loaded === checkpoint) return;
    this.#loaded = null;
    this.#log.write({ event: 'load_start', prompt_id: promptId, checkpoint });
    await this.#spend(this.#settings.loadSeconds, 1, () => undefined, signal);
    this.#loaded = checkpoint;
    this.#log.write({ event: 'load_end', prompt_id: promptId, checkpoint });
  }

  /**
   * Takes the time that sampling takes, with a call a step.
   *
   * @throws NodeFailure when the batch needs more memory than there is; everything is unloaded then.
   */
  async sample(
    { promptId, batch, steps, width, height }: Sampling,
    onStep: (step: number) => void,
    signal: AbortSignal,
    outOfMemory = false,
  ): Promise<void> {
    const area = (width * height) / 1024 ** 2;
    const gb = modelGb + (interpolate(batch, 'gb') - modelGb) * area;
    if (outOfMemory || gb > this.#settings.vramGb) {
      this.#loaded = null;
      throw this.#oom(gb);
    }
    this.#samplingGb = gb;
    this.#log.write({ event: 'sample_start', prompt_id: promptId, batch, steps });
    const seconds = (interpolate(batch, 'seconds') * area * steps) / 20;
    const start = Math.max(this.#savedAt, now());
    try {
      await this.#spend(seconds * samplingShare, steps, onStep, signal);
    } finally {
      this.#samplingGb = 0;
    }
    this.#savedAt = start + seconds * 1_000 * this.#settings.timeScale;
    this.#log.write({ event: 'sample_end', prompt_id: promptId, batch, steps });
  }

  /**
   * Waits until decoding and saving what was sampled has taken its time, packing PNGs here included: that costs a
   * processor of ours, is not scaled, and is no part of what a GPU takes.
   */
  async untilSaved(signal: AbortSignal): Promise<void> {
    const waitMs = this.#savedAt - now();
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal });
  }

  /** In equal pieces up to fixed points in time, so that timers that come late do not add up. */
  async #spend(seconds: number, pieces: number, onPiece: (piece: number) => void, signal: AbortSignal): Promise<void> {
    const start = now();
    const totalMs = seconds * 1_000 * this.#settings.timeScale;
    for (let piece = 1; piece <= pieces; piece++) {
      const waitMs = start + (totalMs * piece) / pieces - now();
      // Timers are no finer than a millisecond: smaller pieces are told together.
      if (waitMs >= 1) await sleep(waitMs, undefined, { signal });
      signal.throwIfAborted();
      onPiece(piece);
    }
  }

  #oom(gb: number): NodeFailure {
    const { profile, vramGb } = this.#settings;
    return profile === 'new'
      ? new NodeFailure(
          'torch.OutOfMemoryError',
          `CUDA out of memory. Tried to allocate ${(gb - modelGb).toFixed(2)} GiB. GPU 0 has a total capacity of ${vramGb.toFixed(2)} GiB.\nThis error means you ran out of memory on your GPU.\n\nTIPS: If the workflow worked before you might have accidentally set the batch_size to a large number.`,
        )
      : new NodeFailure(
          'torch.OutOfMemoryError',
          `Allocation on device 0 would exceed allowed memory. (out of memory)\nRequested               : ${(gb - modelGb).toFixed(2)} GiB`,
        );
  }
}

/** Between the measured points, and on along the outer segments. */
function interpolate(batch: number, field: 'seconds' | 'gb'): number {
  const [one, four, eight] = measured;
  const [low, high] = batch <= four.batch ? [one, four] : [four, eight];
  return low[field] + ((high[field] - low[field]) * (batch - low.batch)) / (high.batch - low.batch);
}
