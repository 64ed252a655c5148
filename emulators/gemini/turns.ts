import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Does heavy work one piece a turn of the event loop, in the order it was asked for. Calls that arrive
 * together are then stamped between two pictures and not after all of them.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Result): Promise<Result> {
    const result = this.#last.then(() => nextTurn()).then(work);
    // Whoever asked for the work gets its failure; the next in line must not.
    this.#last = result.catch(() => undefined);
    return result;
  }
}
