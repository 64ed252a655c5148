import type { ComfyWork } from '../domain/comfy-work.ts';

/** Somebody may install what was missing. */
const rememberedMs = 60_000;

/**
 * Which endpoints refused a graph, because a checkpoint, a LoRA or a node is not installed there: its items go
 * to the others of their class first. Kept for a minute in the worker's memory.
 */
export class Refusals {
  private readonly until = new Map<string, Map<string, number>>();

  note(work: ComfyWork, endpoint: string, nowMs: number): void {
    const key = keyOf(work);
    const endpoints = this.until.get(key) ?? new Map<string, number>();
    this.until.set(key, endpoints.set(endpoint, nowMs + rememberedMs));
  }

  /**
   * Endpoints not to try now.
   *
   * @param all of the class
   * @param refused those that refused this very item; what is only remembered must leave one to try
   */
  avoided(work: ComfyWork, all: readonly string[], refused: ReadonlySet<string>, nowMs: number): string[] {
    const remembered = this.until.get(keyOf(work));
    const avoided = all.filter((name) => refused.has(name) || (remembered?.get(name) ?? 0) > nowMs);
    return avoided.length < all.length ? avoided : [...refused];
  }
}

/** What a server looks for before it takes a prompt. */
function keyOf({ graph, values: { checkpoint, loras } }: ComfyWork): string {
  return JSON.stringify([graph, checkpoint, loras?.map(({ name }) => name)]);
}
