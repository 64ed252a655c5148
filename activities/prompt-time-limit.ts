import { ProviderError } from '../providers/provider-error.ts';

/** The time limit of a prompt runs from when the GPU begins with it: how long it waits is not its fault. */
export function promptTimeLimit(
  timeoutMs: number,
  outer: AbortSignal,
): {
  /** Aborted with TIMEOUT when it is over, or with the reason of `outer`. */
  signal: AbortSignal;
  /** To be called whenever the prompt is seen running. */
  running: () => void;
  done: () => void;
} {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: AbortSignal.any([outer, controller.signal]),
    running: (): void => {
      timer ??= setTimeout(() => {
        const limit = `${String(timeoutMs / 1_000)} s`;
        controller.abort(new ProviderError('TIMEOUT', `The prompt ran longer than ${limit} and was cancelled.`));
      }, timeoutMs);
    },
    done: (): void => {
      clearTimeout(timer);
    },
  };
}
