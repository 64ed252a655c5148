import { ApiError } from '../api/request.ts';
import { createStore } from './store.ts';

export interface Toast {
  id: number;
  kind: 'good' | 'bad';
  text: string;
}

export const toasts = createStore<readonly Toast[]>([]);

/** How long good news stays; what went wrong stays until it is closed. */
const shownMs = 5_000;
let lastId = 0;

export function tell(kind: Toast['kind'], text: string): void {
  const id = ++lastId;
  toasts.set([...toasts.get().slice(-2), { id, kind, text }]);
  if (kind === 'good') setTimeout(() => dismiss(id), shownMs);
}

export function dismiss(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

/** Does what a person asked for and says how it ended. Returns whether it was done. */
export async function attempt(done: string, body: () => Promise<unknown>): Promise<boolean> {
  try {
    await body();
    tell('good', done);
    return true;
  } catch (error) {
    tell('bad', describe(error));
    return false;
  }
}

/** One or two sentences: what happened, and what can be done. */
export function describe(error: unknown): string {
  if (error instanceof ApiError) return error.action === null ? error.message : `${error.message} ${error.action}`;
  return error instanceof Error ? error.message : String(error);
}
