import type { BatchSpec, Limits } from './batch-spec.ts';
import { usesComfy, type Flow } from './flow.ts';

/**
 * Items that may wait for people beside those of the window: each is an open workflow, and is carried from run to
 * run of its batch (some 500 bytes). What waits beyond takes places of the window, so that the batch stops to ask.
 */
export const maxWaiting = 500;

/**
 * How many items of a batch are started at once: those that may call their provider, and as many again
 * that wait behind them for their turn. So a place is taken the moment it gets free, and not after the
 * engine has started one more child: calls of equal length end together, and the engine starts only 25–35
 * children a second (2 cores).
 *
 * Items for GPUs wait in the pool of the worker that has them, all of them; so none waits ahead of those.
 * Nor does any where order counts: of a batch that does one item at a time, and of one that is to stop
 * at a certain failure, because the next could begin before that failure is seen.
 */
export function windowSize(
  { concurrency, toleratedFailure }: Limits,
  errorPolicy: BatchSpec['errorPolicy'],
  flow: Flow,
): number {
  if (usesComfy(flow)) return concurrency;
  const inOrder = concurrency === 1 || errorPolicy === 'stop' || toleratedFailure.count !== null;
  return inOrder ? concurrency : 2 * concurrency;
}
