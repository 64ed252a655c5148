import { setTimeout as delay } from 'node:timers/promises';
import { SluiceError } from '../domain/errors.ts';
import type { Store } from '../storage/store.ts';
import { shutdownSignal } from './shutdown-signal.ts';

const minFreeBytes = 16 * 1024 * 1024;

/** Refuses to pay for what could not be stored: throws STORAGE_FULL. */
export async function requireRoom(store: Store): Promise<void> {
  const free = await store.freeBytes();
  if (free !== null && free < minFreeBytes) {
    throw new SluiceError('STORAGE_FULL', `Only ${String(Math.floor(free / 1024))} KiB are free in ${store.uri}.`);
  }
}

/** A storage that fails for a moment is waited for; one that goes on failing is the batch's concern. */
export async function storePaid(patienceMs: number, write: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      await write();
      return;
    } catch (error) {
      if (Date.now() + waitMs > deadline || shutdownSignal().aborted) throw error;
      await delay(waitMs);
    }
  }
}
