import type { CostQuery, CostRow, Costs, CostSums } from '../../domain/costs.ts';
import { figure, type LocalDatabase } from '../sqlite/local-database.ts';

/** Answers a question from the ledger's tables. To be called inside of a transaction. */
export function readCosts(db: LocalDatabase, { by, since, until, project }: CostQuery): Costs {
  const conditions = [
    ...(since === undefined ? [] : [['day >= ?', since] as const]),
    ...(until === undefined ? [] : [['day <= ?', until] as const]),
    ...(project === undefined ? [] : [['project = ?', project] as const]),
  ];
  const where = ['TRUE', ...conditions.map(([text]) => text)].join(' AND ');
  const rows = db.all(
    `SELECT ${by} AS key, mode, SUM(calls) AS calls, SUM(input_tokens) AS input_tokens,
         SUM(output_tokens) AS output_tokens, SUM(images) AS images, SUM(micro_usd) AS micro_usd,
         SUM(presumed_micro_usd) AS presumed_micro_usd
       FROM spend WHERE ${where} GROUP BY ${by}, mode ORDER BY mode DESC, key`,
    ...conditions.map(([, value]) => value),
  );
  const reserved = db.get(
    `SELECT SUM(micro_usd) AS micro_usd FROM calls WHERE state = 'reserved' AND mode = 'live' AND ${where}`,
    ...conditions.map(([, value]) => value),
  );
  const costRows = rows.map((row): CostRow => {
    const mode = row['mode'] === 'live' ? 'live' : 'emulated';
    return { key: String(row['key']), mode, ...sumsOf(row) };
  });
  return {
    by,
    rows: costRows,
    total: totalOf(costRows.filter(({ mode }) => mode === 'live')),
    emulated: totalOf(costRows.filter(({ mode }) => mode === 'emulated')),
    reserved_usd: figure(reserved?.['micro_usd']) / 1e6,
  };
}

function sumsOf(row: Record<string, unknown>): CostSums {
  return {
    calls: figure(row['calls']),
    input_tokens: figure(row['input_tokens']),
    output_tokens: figure(row['output_tokens']),
    images: figure(row['images']),
    cost_usd: figure(row['micro_usd']) / 1e6,
    presumed_usd: figure(row['presumed_micro_usd']) / 1e6,
  };
}

function totalOf(rows: readonly CostSums[]): CostSums {
  const sum = (field: keyof CostSums): number => rows.reduce((total, row) => total + row[field], 0);
  const usd = (field: 'cost_usd' | 'presumed_usd'): number =>
    rows.reduce((micro, row) => micro + Math.round(row[field] * 1e6), 0) / 1e6;
  return {
    calls: sum('calls'),
    input_tokens: sum('input_tokens'),
    output_tokens: sum('output_tokens'),
    images: sum('images'),
    cost_usd: usd('cost_usd'),
    presumed_usd: usd('presumed_usd'),
  };
}
