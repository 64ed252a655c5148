import type { Client } from '@temporalio/client';
import type { BudgetsChange } from '../domain/budgets.ts';
import type { CostQueryInput, Costs } from '../domain/costs.ts';
import { readBudgets, readCosts, setBudgets, type BudgetReport } from './ledger.ts';
import { rebuildCosts, type RebuiltCosts } from './rebuild-costs.ts';

/** What the batches of an engine spent, and what they may. All of its methods throw STORAGE_*. */
export class Money {
  private readonly client: Client;
  private readonly home: string;

  constructor(client: Client, home: string) {
    this.client = client;
    this.home = home;
  }

  /** What was spent, by day (of UTC), project, batch or model. Throws USAGE naming field and rule. */
  costs(query: CostQueryInput = {}): Promise<Costs> {
    return readCosts(this.home, query);
  }

  /** Writes the ledger anew from the results of all closed batches, if it was lost. */
  rebuild(): Promise<RebuiltCosts> {
    return rebuildCosts(this.client, this.home);
  }

  /** Budgets over all batches, and what is left of them. */
  budgets(): Promise<BudgetReport> {
    return readBudgets(this.home);
  }

  /** Changes budgets from the next call on, also of batches that run. Throws USAGE naming field and rule. */
  setBudgets(change: BudgetsChange): Promise<BudgetReport> {
    return setBudgets(this.home, change);
  }
}
