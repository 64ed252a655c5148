import { cancellationSignal } from '@temporalio/activity';

/** Aborted only when the worker shuts down, and not when the item is cancelled. */
export function shutdownSignal(): AbortSignal {
  const controller = new AbortController();
  const signal = cancellationSignal();
  const look = (): void => {
    if (isShutdown(signal.reason)) controller.abort(signal.reason);
  };
  if (signal.aborted) look();
  else signal.addEventListener('abort', look, { once: true });
  return controller.signal;
}

/** Whether an activity was cancelled because its worker shuts down. */
export function isShutdown(reason: unknown): boolean {
  return reason instanceof Error && reason.message === 'WORKER_SHUTDOWN';
}
