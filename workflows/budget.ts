import type { BatchState, InFlightItem } from '../domain/batch.ts';
import { errorCatalog } from '../domain/errors.ts';
import { totalCostUsd } from '../domain/tally.ts';
import type { PauseReason } from './pausing.ts';

/**
 * Whether the budget covers one more item besides those in flight. `wait`: it may once one of those has
 * ended for less than was estimated. A pause: none is in flight that could change it. Each call is judged once
 * more when it is made, because an item may cost more than it was expected to.
 */
export function judgeBudget(
  state: BatchState,
  inFlight: readonly InFlightItem[],
  estimateUsd: number,
): 'go' | 'wait' | PauseReason {
  const { budgetUsd } = state.limits;
  if (budgetUsd === null) return 'go';
  const reserved = inFlight.reduce((sum, item) => sum + item.ref.estimateUsd, 0);
  const spent = totalCostUsd(state.tally);
  // Sums of fractions drift; a budget of three times the estimate is to cover three items.
  if (spent + reserved + estimateUsd <= budgetUsd + 1e-9) return 'go';
  if (inFlight.length > 0) return 'wait';
  return {
    kind: 'budget',
    reason: `Budget reached: ${spent.toFixed(4)} of ${budgetUsd.toFixed(2)} USD spent, the next item costs about ${estimateUsd.toFixed(4)}`,
    action: errorCatalog.BATCH_BUDGET_REACHED.action,
  };
}
