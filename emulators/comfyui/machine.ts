import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import type { Installed } from './catalog.ts';
import { Executor } from './executor.ts';
import type { FaultPicker } from './faults.ts';
import type { FileFolders } from './files.ts';
import { VirtualGpu } from './gpu.ts';
import type { GpuLog } from './gpu-log.ts';
import { History } from './history.ts';
import type { EmulatorOptions } from './options.ts';
import { PromptQueue } from './prompt-queue.ts';
import type { SocketHub } from './socket-hub.ts';

interface Submission {
  id: string;
  number: number | undefined;
  front: boolean;
  graph: ComfyGraph;
  extraData: Record<string, unknown>;
  outputs: string[];
}

/** What a running ComfyUI holds in memory, and the one thread that works its queue; gone after `stop`. */
export class ComfyMachine {
  readonly queue = new PromptQueue();
  readonly history = new History();
  readonly gpu: VirtualGpu;
  readonly #settings: EmulatorOptions;
  readonly #files: FileFolders;
  readonly #hub: SocketHub;
  readonly #log: GpuLog;
  readonly #executor: Executor;
  readonly #stopped = new AbortController();
  #nextNumber = 0;
  #freeWanted = { unload: false, cache: false };
  #work: Promise<void> | null = null;

  constructor(settings: EmulatorOptions, files: FileFolders, hub: SocketHub, log: GpuLog, faults: FaultPicker) {
    this.#settings = settings;
    this.#files = files;
    this.#hub = hub;
    this.#log = log;
    this.gpu = new VirtualGpu(settings, log);
    this.#executor = new Executor({ gpu: this.gpu, log, files, faults, hub });
  }

  installed(): Installed {
    const { checkpoints, loras } = this.#settings;
    return { checkpoints, loras, images: this.#files.inputs() };
  }

  /** Queues a validated prompt. `raised` where ComfyUI answers 500 although the prompt is in its queue. */
  submit({ id, number, front, graph, extraData, outputs }: Submission): { number: number; raised: boolean } {
    let place = number;
    if (place === undefined) {
      place = front ? -this.#nextNumber : this.#nextNumber;
      this.#nextNumber += 1;
    }
    this.#log.write({ event: 'queued', prompt_id: id, number: place });
    const fine = this.queue.push({ number: place, id, graph, extraData, outputs });
    this.tellStatus();
    this.#wake();
    return { number: place, raised: !fine };
  }

  /** Stops the running prompt at the next node, if it is the one meant; null means whatever runs. */
  interrupt(id: string | null): boolean {
    const hit = this.queue.running !== null && (id === null || this.queue.running.id === id);
    if (hit) this.#executor.interrupt();
    return hit;
  }

  /** Takes effect between two prompts. */
  free(unload: boolean, cache: boolean): void {
    this.#freeWanted = { unload: this.#freeWanted.unload || unload, cache: this.#freeWanted.cache || cache };
    if (this.queue.running === null) this.#freeNow();
  }

  status(): object {
    return { exec_info: { queue_remaining: this.queue.remaining } };
  }

  tellStatus(): void {
    this.#hub.send(null, 'status', { status: this.status() });
  }

  /** Ends the running prompt where it is. */
  async stop(): Promise<void> {
    this.#stopped.abort(new Error('The server went down.'));
    await this.#work;
  }

  #wake(): void {
    this.#work ??= this.#drain().finally(() => (this.#work = null));
  }

  async #drain(): Promise<void> {
    for (let item = this.queue.take(); item !== null; item = this.queue.take()) {
      try {
        const outcome = await this.#executor.run(item, this.#stopped.signal);
        this.history.add(outcome);
      } catch {
        // Only going down ends a run without an outcome.
        return;
      } finally {
        this.queue.running = null;
      }
      this.tellStatus();
      const clientId = item.extraData['client_id'];
      const listener = typeof clientId === 'string' ? clientId : null;
      this.#hub.send(listener, 'executing', { node: null, prompt_id: item.id });
      this.#freeNow();
    }
  }

  #freeNow(): void {
    if (this.#freeWanted.unload) this.gpu.unload();
    if (this.#freeWanted.cache) this.#executor.resetCache();
    this.#freeWanted = { unload: false, cache: false };
  }
}
