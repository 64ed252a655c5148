import type { Outcome } from './history.ts';
import { empty, json, type Reply } from './http.ts';
import type { ComfyMachine } from './machine.ts';

/** `/api/jobs…` of the newer servers; undefined for any other path. */
export function jobs(machine: ComfyMachine, method: string, path: string): Reply | undefined {
  const [, id, cancel] = /^\/jobs\/([^/]+)(\/cancel)?$/.exec(path) ?? [];
  if (id === undefined) return undefined;
  if (cancel === undefined) {
    const status = statusOf(machine, id);
    return status === undefined ? json({ error: 'Job not found' }, 404) : json({ id, status });
  }
  if (method !== 'POST') return { ...empty, status: 405 };
  const cancelled = machine.queue.delete(id) || machine.interrupt(id);
  if (cancelled) machine.tellStatus();
  return json({ cancelled });
}

function statusOf({ queue, history }: ComfyMachine, id: string): string | undefined {
  if (queue.running?.id === id) return 'in_progress';
  if (queue.pending.some((item) => item.id === id)) return 'pending';
  const outcome: Outcome | undefined = history.get(id);
  if (outcome === undefined) return undefined;
  if (outcome.succeeded) return 'completed';
  return outcome.messages.at(-1)?.[0] === 'execution_interrupted' ? 'cancelled' : 'failed';
}
