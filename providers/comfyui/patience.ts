import { setTimeout as sleep } from 'node:timers/promises';
import { SluiceError } from '../../domain/errors.ts';
import { ProviderError } from '../provider-error.ts';

interface Patience {
  /** Of the server, for messages. */
  host: string;
  signal: AbortSignal;
  /** Between two calls, milliseconds. */
  pollMs: number;
  /** How long the server may be out of reach, milliseconds. */
  patienceMs: number;
}

/**
 * Repeats a call that changes nothing by being repeated, as long as the server may come back. One that hangs is
 * given no longer, if the call heeds its signal; a download, which has a time of its own, need not.
 *
 * @throws the reason of `signal`; else the last error of the call, TIMEOUT when it hung
 */
export async function patiently<Result>(
  call: (signal: AbortSignal) => Promise<Result>,
  { host, signal, pollMs, patienceMs }: Patience,
): Promise<Result> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const timeout = AbortSignal.timeout(Math.max(1, deadline - Date.now()));
    try {
      return await call(AbortSignal.any([signal, timeout]));
    } catch (error) {
      signal.throwIfAborted();
      if (timeout.aborted && error === timeout.reason) {
        throw new ProviderError('TIMEOUT', `ComfyUI at ${host} did not answer within ${String(patienceMs / 1_000)} s.`);
      }
      if (!isPassing(error) || Date.now() + pollMs > deadline) throw error;
      await sleep(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}

/** Whether the same call may succeed in a while. */
export function isPassing(error: unknown): error is SluiceError {
  return error instanceof SluiceError && ['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED'].includes(error.code);
}
