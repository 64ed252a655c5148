import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { budgetsSchema, type Budgets, type BudgetsChange } from '../domain/budgets.ts';
import { costQuerySchema, type CostQueryInput, type Costs } from '../domain/costs.ts';
import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { Ledger, type BudgetStanding } from '../storage/ledger/ledger.ts';

/** Where a home's ledger lies. It is read and changed without an engine. */
export function ledgerPath(home: string): string {
  return join(home, 'ledger.sqlite');
}

/** Opens a home's ledger, runs the body, closes it. */
export async function withLedger<T>(home: string, body: (ledger: Ledger) => T | Promise<T>): Promise<T> {
  const ledger = new Ledger({ path: ledgerPath(home) });
  try {
    return await body(ledger);
  } finally {
    ledger.close();
  }
}

/**
 * What was spent, by day, project, batch or model.
 *
 * @throws SluiceError USAGE naming field and rule; STORAGE_*
 */
export function readCosts(home: string, query: CostQueryInput = {}): Promise<Costs> {
  const parsed = costQuerySchema.safeParse(query);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new SluiceError('USAGE', `${issue?.path.join('.') ?? 'costs'}: ${issue?.message ?? 'is not valid'}`);
  }
  return withLedger(home, (ledger) => ledger.costs(parsed.data));
}

/** Budgets over all batches, and how each cap of them stands. */
export interface BudgetReport {
  budgets: Budgets;
  /** Of real money. */
  live: BudgetStanding[];
  /** Of what emulated calls would have cost: held to the same caps, apart from real money. */
  emulated: BudgetStanding[];
}

export function readBudgets(home: string): Promise<BudgetReport> {
  return withLedger(home, reportOf);
}

/** Changes budgets from the next call on, also of batches that run. Throws USAGE, STORAGE_*. */
export function setBudgets(home: string, change: BudgetsChange): Promise<BudgetReport> {
  return withLedger(home, (ledger) => {
    const { project, day_usd: dayUsd } = change;
    const { name, ...caps } = project ?? { name: null };
    const checked = budgetsSchema.safeParse({ day_usd: dayUsd, projects: name === null ? {} : { [name]: caps } });
    if (!checked.success) {
      const issue = checked.error.issues[0];
      throw new SluiceError('USAGE', `${issue?.path.join('.') ?? 'budgets'}: ${issue?.message ?? 'is not valid'}`);
    }
    ledger.changeBudgets(change);
    return reportOf(ledger);
  });
}

/** Hands the configuration's budgets to the workers of a home; what was set by hand holds until it changes. */
export async function followBudgets(home: string, budgets: Budgets | undefined): Promise<void> {
  if (budgets === undefined && !existsSync(ledgerPath(home))) return;
  await withLedger(home, (ledger) => {
    ledger.followConfiguration(budgets);
  });
}

function reportOf(ledger: Ledger): BudgetReport {
  const of = (mode: ProviderMode): BudgetStanding[] => ledger.standings(mode);
  return { budgets: ledger.budgets, live: of('live'), emulated: of('emulated') };
}
