import { z } from 'zod';
import { formatUsd } from './format.ts';

const usd = z.number().min(0).nullable();

const projectBudgetSchema = z
  .strictObject({
    /** All that the project ever spends, USD; null: no limit. */
    total_usd: usd,
    /** What it spends in a day, USD; null: no limit. */
    day_usd: usd,
  })
  .partial();

/** `budgets:` of the configuration: hard caps over all batches of an engine. Days are days of UTC. */
export const budgetsSchema = z.strictObject({
  /** What all projects together spend in a day, USD; null: no limit. */
  day_usd: usd.optional(),
  projects: z.record(z.string().min(1).max(100), projectBudgetSchema).default({}),
});
export type Budgets = z.output<typeof budgetsSchema>;

/** A change: only what is to change. */
export interface BudgetsChange {
  day_usd?: number | null;
  project?: { name: string; total_usd?: number | null; day_usd?: number | null };
}

export const noBudgets: Budgets = { projects: {} };

export function changeBudgets(budgets: Budgets, { day_usd, project }: BudgetsChange): Budgets {
  const changed = { ...budgets, ...(day_usd === undefined ? {} : { day_usd }) };
  if (project === undefined) return changed;
  const { name, ...caps } = project;
  const own = Object.hasOwn(budgets.projects, name) ? budgets.projects[name] : undefined;
  return { ...changed, projects: { ...budgets.projects, [name]: { ...own, ...caps } } };
}

/** One cap: what it counts, and how much that may come to. */
export interface Cap {
  /** Of this batch alone. */
  batch?: string;
  /** Null: of all projects together. */
  project: string | null;
  period: 'day' | 'total';
  limitUsd: number;
}

/** What one batch may cost in all its runs, as one of its items was told. */
export interface BatchBudget {
  /** USD; null: no limit. */
  usd: number | null;
  /** Of the batch's limits: of two values the one of the higher revision holds. */
  revision: number;
}

/** All caps over batches there are. */
export function capsOf(budgets: Budgets): Cap[] {
  const cap = (project: string | null, period: Cap['period'], limitUsd: number | null | undefined): Cap[] =>
    limitUsd === null || limitUsd === undefined ? [] : [{ project, period, limitUsd }];
  return [
    ...cap(null, 'day', budgets.day_usd),
    ...Object.entries(budgets.projects).flatMap(([project, caps]) => [
      ...cap(project, 'day', caps.day_usd),
      ...cap(project, 'total', caps.total_usd),
    ]),
  ];
}

/** A cap that does not cover one more call. */
export interface Shortage extends Cap {
  spentUsd: number;
  /** Of calls under way. */
  reservedUsd: number;
  expectedUsd: number;
}

/** Whether calls under way may leave enough, because each may cost less than is reserved for it. */
export function mayStillFit({ limitUsd, spentUsd, expectedUsd }: Shortage): boolean {
  return spentUsd + expectedUsd <= limitUsd + drift;
}

/** Whether a cap covers a call besides what is spent and under way. */
export function covers({ limitUsd, spentUsd, reservedUsd, expectedUsd }: Shortage): boolean {
  return spentUsd + reservedUsd + expectedUsd <= limitUsd + drift;
}

/** Sums of fractions drift; a budget of three times a price is to cover three calls. */
const drift = 1e-9;

export function nameOfCap({ batch, project, period }: Pick<Cap, 'batch' | 'project' | 'period'>): string {
  if (batch !== undefined) return 'Budget of the batch';
  if (project === null) return 'Budget of the day';
  return period === 'day' ? `Budget of the day of project ${project}` : `Budget of project ${project}`;
}

/** One sentence for a person. */
export function shortageReason(shortage: Shortage): string {
  const { limitUsd, spentUsd, expectedUsd } = shortage;
  return `${nameOfCap(shortage)} reached: ${formatUsd(spentUsd)} of ${formatUsd(limitUsd)} spent, the next call costs about ${formatUsd(expectedUsd)}`;
}
