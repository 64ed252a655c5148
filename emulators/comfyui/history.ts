import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import { toTuple, type QueueItem } from './prompt-queue.ts';

/** Entries ComfyUI keeps. */
const historySize = 10_000;

export type Message = [event: string, data: Record<string, unknown>];

export interface Outcome {
  item: QueueItem;
  /** Output node → what it shows. */
  outputs: Record<string, object>;
  messages: Message[];
  succeeded: boolean;
}

/** What became of prompts, as `/history` and `/api/jobs` show it. */
export class History {
  readonly #entries = new Map<string, Outcome>();

  add(outcome: Outcome): void {
    this.#entries.delete(outcome.item.id);
    this.#entries.set(outcome.item.id, outcome);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > historySize && oldest !== undefined) this.#entries.delete(oldest);
  }

  get(id: string): Outcome | undefined {
    return this.#entries.get(id);
  }

  delete(id: string): void {
    this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
  }

  toJSON(id?: string): object {
    const all = [...this.#entries].filter(([key]) => id === undefined || key === id);
    return Object.fromEntries(all.map(([key, outcome]) => [key, entryOf(outcome)]));
  }
}

function entryOf({ item, outputs, messages, succeeded }: Outcome): object {
  return {
    prompt: toTuple(item),
    outputs,
    status: { status_str: succeeded ? 'success' : 'error', completed: succeeded, messages },
    meta: metaOf(item.graph, Object.keys(outputs)),
  };
}

function metaOf(graph: ComfyGraph, nodes: string[]): object {
  return Object.fromEntries(
    nodes
      .filter((id) => graph[id] !== undefined)
      .map((id) => [id, { node_id: id, display_node: id, parent_node: null, real_node_id: id }]),
  );
}
