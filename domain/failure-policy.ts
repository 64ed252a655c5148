import type { BatchSpec, FailurePolicy, Limits } from './batch-spec.ts';
import { formatPercent } from './format.ts';

/**
 * When failures stop a batch from going on. Pure and free of schemas: it runs inside workflows.
 *
 * How the last items ended, oldest first: `1` failed, `0` did not. A string, because it is carried
 * through continue-as-new; never longer than the policy's window.
 */
export type FailureWindow = string;

interface FailureContext {
  /** Items failed and finished since the batch started or was last resumed after a pause. */
  failed: number;
  finished: number;
  tolerated: Limits['toleratedFailure'];
  /** Whether the present rise was noticed already: `noticed` of the verdict before this one. */
  noticed: boolean;
  errorPolicy: BatchSpec['errorPolicy'];
}

/** What to do now. `noticed` is to be handed to the next judgement. */
type FailureVerdict = { noticed: boolean } & (
  | { action: 'go' }
  | { action: 'notice'; message: string }
  | { action: 'pause'; kind: 'failure_rate' | 'tolerated_failure'; reason: string }
  | { action: 'stop'; reason: string }
);

export function createFailureWindow(): FailureWindow {
  return '';
}

export function recordOutcome(window: FailureWindow, failed: boolean, policy: FailurePolicy): FailureWindow {
  return (window + (failed ? '1' : '0')).slice(-policy.window);
}

/**
 * Judges after an item finished: stop before pause, pause before notice. A notice is given once per
 * rise: again only after the rate was down at `noticeAbove` or below.
 */
export function judge(window: FailureWindow, policy: FailurePolicy, context: FailureContext): FailureVerdict {
  const lastFailed = window.split('1').length - 1;
  // A sample larger than the window could never be reached.
  const meaningful = window.length >= Math.min(policy.minSample, policy.window);
  const above = (rate: number): boolean => meaningful && lastFailed > rate * window.length;
  const elevated = above(policy.noticeAbove);
  const noticed = context.noticed && elevated;
  const figures = `${String(lastFailed)} of the last ${String(window.length)} items failed`;

  if (context.errorPolicy === 'stop' && context.failed > 0) {
    return { action: 'stop', noticed, reason: 'Stopped at the first failure, as error_policy "stop" asks.' };
  }
  if (above(policy.pauseAbove)) {
    const reason = `High failure rate: ${figures}, more than ${formatPercent(policy.pauseAbove)}.`;
    return { action: 'pause', kind: 'failure_rate', noticed, reason };
  }
  const exceeded = toleranceExceeded(context);
  if (exceeded !== null) return { action: 'pause', kind: 'tolerated_failure', noticed, reason: exceeded };
  if (elevated && !noticed) {
    const message = `Elevated failure rate: ${figures}, more than ${formatPercent(policy.noticeAbove)}.`;
    return { action: 'notice', noticed: true, message };
  }
  return { action: 'go', noticed };
}

function toleranceExceeded({ failed, finished, tolerated }: FailureContext): string | null {
  const { count, percent, minSample } = tolerated;
  if (count !== null && failed > count) {
    return `Tolerated failure exceeded: ${items(failed)} failed, ${String(count)} tolerated.`;
  }
  if (percent !== null && finished >= minSample && failed * 100 > percent * finished) {
    const share = formatPercent(failed / finished);
    return `Tolerated failure exceeded: ${String(failed)} of ${items(finished)} failed (${share}), ${formatPercent(percent / 100)} tolerated.`;
  }
  return null;
}

function items(count: number): string {
  return count === 1 ? '1 item' : `${String(count)} items`;
}
