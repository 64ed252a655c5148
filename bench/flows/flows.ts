import type { Results } from '../result.ts';
import { benchBudget } from './budget.ts';
import { benchShares } from './shares.ts';
import { benchThroughput } from './throughput.ts';

/**
 * (flows) Do flows of several steps use what the limits of their models allow, share it evenly between projects,
 * and stop at a budget?
 *
 * @param chapters of the first. @default 1000
 */
export async function benchFlows(results: Results, chapters = 1_000): Promise<void> {
  await benchThroughput(results, chapters);
  await benchShares(results);
  await benchBudget(results);
}
