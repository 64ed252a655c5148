import type { ComfyGraph } from '../../domain/comfy-graph.ts';

export interface QueueItem {
  number: number;
  id: string;
  graph: ComfyGraph;
  extraData: Record<string, unknown>;
  /** Output nodes to run. */
  outputs: string[];
}

/** As `/queue` and history show it. */
export function toTuple({ number, id, graph, extraData, outputs }: QueueItem): unknown[] {
  return [number, id, graph, extraData, outputs];
}

/**
 * Pending prompts, kept like Python's heapq keeps them: a list whose order is not the order they run in.
 * Two with the same id and number raise there (graphs cannot be compared), with the second already in.
 */
export class PromptQueue {
  #heap: QueueItem[] = [];
  running: QueueItem | null = null;

  get pending(): readonly QueueItem[] {
    return this.#heap;
  }

  get remaining(): number {
    return this.#heap.length + (this.running === null ? 0 : 1);
  }

  /** False where ComfyUI would raise; the item is in the queue all the same. */
  push(item: QueueItem): boolean {
    const twin = this.#heap.some(({ id, number }) => id === item.id && number === item.number);
    this.#heap.push(item);
    for (let at = this.#heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) break;
      at = parent;
    }
    return !twin;
  }

  /** Makes the next prompt the running one. */
  take(): QueueItem | null {
    const first = this.#heap.toSorted(inOrder)[0];
    this.running = first ?? null;
    if (first !== undefined) this.#replace(this.#heap.filter((item) => item !== first));
    return this.running;
  }

  /** Removes the first pending prompt with the id; the running one is not touched. */
  delete(id: string): boolean {
    const at = this.#heap.findIndex((item) => item.id === id);
    if (at >= 0) this.#replace(this.#heap.toSpliced(at, 1));
    return at >= 0;
  }

  clear(): void {
    this.#heap = [];
  }

  #replace(items: QueueItem[]): void {
    this.#heap = [];
    for (const item of items) this.push(item);
  }

  #swapIfBefore(at: number, parent: number): boolean {
    const [child, above] = [this.#heap[at], this.#heap[parent]];
    if (child === undefined || above === undefined || inOrder(child, above) >= 0) return false;
    this.#heap[at] = above;
    this.#heap[parent] = child;
    return true;
  }
}

function inOrder(a: QueueItem, b: QueueItem): number {
  return a.number - b.number || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
