import type { BudgetReport } from '../../client/ledger.ts';
import { nameOfCap } from '../../domain/budgets.ts';
import type { CostRow, Costs } from '../../domain/costs.ts';
import { formatCount, formatUsd } from '../../domain/format.ts';
import { columns } from './columns.ts';

/** Money first; what emulated calls would have cost stands below, because nobody pays it. */
export function renderCosts({ by, rows, total, emulated, reserved_usd: reserved }: Costs): string {
  const ofMode = (mode: CostRow['mode']): CostRow[] => rows.filter((row) => row.mode === mode);
  const table = (mode: CostRow['mode'], sums: Costs['total']): string =>
    columns([
      [by.toUpperCase(), 'CALLS', 'IMAGES', 'INPUT TOKENS', 'OUTPUT TOKENS', 'COST'],
      ...ofMode(mode).map(cells),
      cells({ ...sums, key: 'total' }),
    ]);
  return [
    ofMode('live').length === 0 ? 'Nothing was spent.' : table('live', total),
    ...(reserved > 0 ? [`${formatUsd(reserved)} more are reserved for calls under way.`] : []),
    ...(total.presumed_usd > 0
      ? [
          `${formatUsd(total.presumed_usd)} of it are presumed: for calls whose worker died before their price was known.`,
        ]
      : []),
    ...(ofMode('emulated').length === 0 ? [] : ['', 'Emulated, paid by nobody:', table('emulated', emulated)]),
    ...(by === 'day' ? ['', 'Days are days of UTC.'] : []),
  ].join('\n');
}

function cells(row: Omit<CostRow, 'mode'>): string[] {
  const { key, calls, images, input_tokens: input, output_tokens: output, cost_usd: cost } = row;
  return [key, ...[calls, images, input, output].map(formatCount), formatUsd(cost)];
}

/** Each cap with what is left of it. */
export function renderBudgets({ live, emulated }: BudgetReport): string {
  if (live.length === 0) return 'There is no budget over all batches. Set one with: sluice budget set --day 20';
  const isUsed = emulated.some(({ spentUsd, reservedUsd }) => spentUsd + reservedUsd > 0);
  return [
    table(live),
    ...(isUsed ? ['', 'Emulated calls are held to the same budgets, apart from real money:', table(emulated)] : []),
    '',
    'Days are days of UTC.',
  ].join('\n');
}

function table(standings: BudgetReport['live']): string {
  return columns([
    ['BUDGET', 'LIMIT', 'SPENT', 'RESERVED', 'LEFT'],
    ...standings.map((standing) => {
      const { limitUsd, spentUsd, reservedUsd } = standing;
      const left = Math.max(0, limitUsd - spentUsd - reservedUsd);
      return [nameOfCap(standing), ...[limitUsd, spentUsd, reservedUsd, left].map(formatUsd)];
    }),
  ]);
}
