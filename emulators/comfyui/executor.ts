import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { asLink, type ComfyGraph } from '../../domain/comfy-graph.ts';
import { now } from '../shared/clock.ts';
import type { FaultPicker, PromptFault } from './faults.ts';
import type { FileFolders } from './files.ts';
import type { VirtualGpu } from './gpu.ts';
import type { GpuLog } from './gpu-log.ts';
import type { Message, Outcome } from './history.ts';
import { NodeFailure } from './node-failure.ts';
import type { QueueItem } from './prompt-queue.ts';
import { runNode, type NodeResult, type Value } from './run-node.ts';
import type { SocketHub } from './socket-hub.ts';
import { ancestors } from './validate.ts';

interface ExecutorDeps {
  gpu: VirtualGpu;
  log: GpuLog;
  files: FileFolders;
  faults: FaultPicker;
  hub: SocketHub;
}

/** Runs prompts one node after another, with the cache and the interrupt of ComfyUI. */
export class Executor {
  readonly #deps: ExecutorDeps;
  /** Results by what they were made from. As in ComfyUI, only what the current prompt uses is kept. */
  #cache = new Map<string, NodeResult>();
  #interrupted = false;

  constructor(deps: ExecutorDeps) {
    this.#deps = deps;
  }

  /** Takes effect before the next node of the running prompt: during the last one it is lost. */
  interrupt(): void {
    this.#interrupted = true;
  }

  resetCache(): void {
    this.#cache.clear();
  }

  /**
   * Runs a prompt to its end.
   *
   * @throws what `signal` was aborted with, when the server went down.
   */
  async run(item: QueueItem, signal: AbortSignal): Promise<Outcome> {
    this.#interrupted = false;
    const { hub, log, faults } = this.#deps;
    const prompt = new PromptRun(item, hub);
    log.write({ event: 'prompt_start', prompt_id: item.id, number: item.number });
    const fault = faults.ofPrompt(JSON.stringify(item.graph));
    let images = 0;
    let cached = false;
    let status: 'success' | 'error' | 'interrupted' | 'lost' = 'lost';
    try {
      const signatures = sign(item.graph);
      const kept = new Set(signatures.values());
      this.#cache = new Map([...this.#cache].filter(([signature]) => kept.has(signature)));
      const order = [...new Set(item.outputs.flatMap((output) => [...ancestors(item.graph, output)]))];
      const results = new Map<string, NodeResult>();
      for (const id of order) {
        const result = this.#cache.get(signatures.get(id) ?? '');
        if (result !== undefined) results.set(id, result);
      }
      prompt.tell('execution_start', {});
      prompt.tell('execution_cached', { nodes: [...results.keys()] });
      cached = results.size === order.length;
      // A turn of the event loop: whoever looks while a cached prompt runs finds it in the queue.
      await sleep(1, undefined, { signal });
      for (const id of order) {
        const old = results.get(id);
        if (old !== undefined) {
          prompt.saved(id, old);
          continue;
        }
        if (this.#isInterrupted()) {
          status = 'interrupted';
          prompt.stopped(id, [...results.keys()]);
          return prompt.outcome(false);
        }
        prompt.entered(id);
        try {
          const result = await this.#runNode(item, id, results, fault, prompt, signal);
          results.set(id, result);
          this.#cache.set(signatures.get(id) ?? '', result);
          images += result.saved?.length ?? 0;
          prompt.saved(id, result);
        } catch (error) {
          if (signal.aborted) throw error;
          const failure = error instanceof NodeFailure ? error : new NodeFailure('Exception', String(error));
          status = 'error';
          if (failure.type.endsWith('OutOfMemoryError')) this.#deps.gpu.unload();
          prompt.failed(id, failure, [...results.keys()]);
          return prompt.outcome(false);
        }
      }
      if (images > 0) await this.#deps.gpu.untilSaved(signal);
      status = 'success';
      prompt.tell('execution_success', {});
      return prompt.outcome(true);
    } finally {
      log.write({ event: 'prompt_end', prompt_id: item.id, status, images, cached });
    }
  }

  #isInterrupted(): boolean {
    return this.#interrupted;
  }

  #runNode(
    item: QueueItem,
    id: string,
    results: ReadonlyMap<string, NodeResult>,
    fault: PromptFault | null,
    prompt: PromptRun,
    signal: AbortSignal,
  ): Promise<NodeResult> {
    const node = item.graph[id];
    const inputs = Object.entries(node?.inputs ?? {}).map(([input, given]): [string, unknown] => {
      const link = asLink(given);
      const value: Value | undefined = link === undefined ? undefined : results.get(link.node)?.outputs[link.slot];
      return [input, link === undefined ? given : value];
    });
    return runNode({
      promptId: item.id,
      classType: node?.class_type ?? '',
      inputs: Object.fromEntries(inputs),
      graph: item.graph,
      extraData: item.extraData,
      fault,
      gpu: this.#deps.gpu,
      files: this.#deps.files,
      signal,
      onStep: (step, steps) => prompt.progress(id, step, steps),
    });
  }
}

/** What a prompt tells while it runs: to history, and to whoever listens. */
class PromptRun {
  readonly #item: QueueItem;
  readonly #hub: SocketHub;
  readonly #clientId: string | null;
  readonly #messages: Message[] = [];
  readonly #outputs: Record<string, object> = {};

  constructor(item: QueueItem, hub: SocketHub) {
    this.#item = item;
    this.#hub = hub;
    const clientId = item.extraData['client_id'];
    this.#clientId = typeof clientId === 'string' ? clientId : null;
  }

  outcome(succeeded: boolean): Outcome {
    return { item: this.#item, outputs: this.#outputs, messages: this.#messages, succeeded };
  }

  /** Kept in history, and sent to the client that asked for the prompt; to no one if none did. */
  tell(event: string, data: object): void {
    const message = { prompt_id: this.#item.id, ...data, timestamp: Math.floor(now()) };
    this.#messages.push([event, message]);
    if (this.#clientId !== null) this.#hub.send(this.#clientId, event, message);
  }

  entered(node: string): void {
    this.#progressState(node, 'running', 0, 1);
    this.#send('executing', { node, display_node: node });
  }

  progress(node: string, value: number, max: number): void {
    this.#progressState(node, value === max ? 'finished' : 'running', value, max);
    this.#send('progress', { value, max, node });
    if (value === 1 && this.#clientId !== null) this.#hub.sendPreview(this.#clientId);
  }

  saved(node: string, { saved }: NodeResult): void {
    if (saved === undefined) return;
    this.#outputs[node] = { images: saved };
    this.#send('executed', { node, display_node: node, output: { images: saved } });
  }

  stopped(node: string, executed: string[]): void {
    this.tell('execution_interrupted', { node_id: node, node_type: this.#classOf(node), executed });
  }

  failed(node: string, error: NodeFailure, executed: string[]): void {
    this.tell('execution_error', {
      node_id: node,
      node_type: this.#classOf(node),
      executed,
      exception_message: error.message,
      exception_type: error.type,
      traceback: [`  File "execution.py", line 1, in execute\n`],
      current_inputs: {},
      current_outputs: executed,
    });
  }

  #classOf(node: string): string {
    return this.#item.graph[node]?.class_type ?? '';
  }

  #progressState(node: string, state: string, value: number, max: number): void {
    const prompt_id = this.#item.id;
    const entry = { value, max, state, node_id: node, prompt_id, display_node_id: node, parent_node_id: null };
    this.#send('progress_state', { nodes: { [node]: entry } });
  }

  /** To the client, or to everybody if the prompt came without one. */
  #send(event: string, data: object): void {
    this.#hub.send(this.#clientId, event, { ...data, prompt_id: this.#item.id });
  }
}

/** What each node's result follows from: class, literals, and the same of what it is linked to. */
function sign(graph: ComfyGraph): Map<string, string> {
  const signatures = new Map<string, string>();
  for (const start of Object.keys(graph)) {
    for (const id of ancestors(graph, start)) {
      if (signatures.has(id)) continue;
      const node = graph[id];
      const inputs = Object.entries(node?.inputs ?? {}).map(([input, given]) => {
        const link = asLink(given);
        return [input, link === undefined ? given : { from: signatures.get(link.node), slot: link.slot }];
      });
      const made = JSON.stringify([node?.class_type, inputs]);
      signatures.set(id, createHash('sha256').update(made).digest('hex'));
    }
  }
  return signatures;
}
