import type { ResultRow } from '../../domain/result.ts';

/** Finished items in one slice of time. */
export interface Slice {
  /** Start, milliseconds since 1970. */
  atMs: number;
  succeeded: number;
  failed: number;
}

export interface Throughput {
  sliceMs: number;
  slices: Slice[];
}

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const sliceSizes = [1, 2, 5, 10, 15, 30]
  .map((count) => count * second)
  .concat([1, 2, 5, 10, 15, 30].map((count) => count * minute))
  .concat([1, 2, 4, 8, 24, 72, 168].map((count) => count * hour));
const maxSlices = 60;

/** Results by time, in at most sixty slices of a round length; gaps are slices without items. */
export function throughputOf(rows: readonly ResultRow[], nowMs: number | null): Throughput {
  const times = rows.map(({ finished_at: at }) => Date.parse(at));
  if (times.length === 0) return { sliceMs: second, slices: [] };
  const firstMs = times.reduce((first, at) => Math.min(first, at), Infinity);
  const lastMs = Math.max(
    times.reduce((last, at) => Math.max(last, at), 0),
    nowMs ?? 0,
  );
  const sliceMs = sliceSizes.find((size) => (lastMs - firstMs) / size < maxSlices - 1) ?? 7 * 24 * hour;
  const startMs = Math.floor(firstMs / sliceMs) * sliceMs;
  const count = Math.floor((lastMs - startMs) / sliceMs) + 1;
  const slices = Array.from({ length: count }, (_, place) => ({
    atMs: startMs + place * sliceMs,
    succeeded: 0,
    failed: 0,
  }));
  for (const [place, { status }] of rows.entries()) {
    const slice = slices[Math.floor(((times[place] ?? 0) - startMs) / sliceMs)];
    if (slice !== undefined && status !== 'cancelled') slice[status] += 1;
  }
  return { sliceMs, slices };
}

/** Finished items a minute over the last minute, or since the first if that is less; 0 while nothing is known. */
export function ratePerMinute(rows: readonly ResultRow[], startedAtMs: number, nowMs: number): number {
  const fromMs = Math.max(nowMs - minute, startedAtMs);
  if (nowMs <= fromMs) return 0;
  const recent = rows.filter(({ finished_at: at }) => Date.parse(at) >= fromMs).length;
  return (recent * minute) / (nowMs - fromMs);
}

/** Whether each of the last items failed, oldest first: what the batch judges its failure rate by. */
export function failureWindow(rows: readonly ResultRow[], size: number): boolean[] {
  return rows
    .filter(({ status }) => status !== 'cancelled')
    .slice(-size)
    .map(({ status }) => status === 'failed');
}

/** Failed items by error code, most first. */
export function failuresByCode(rows: readonly ResultRow[]): { code: string; rows: ResultRow[] }[] {
  const byCode = Map.groupBy(
    rows.filter(({ status }) => status === 'failed'),
    ({ error_code: code }) => code ?? 'INTERNAL',
  );
  return [...byCode].map(([code, failed]) => ({ code, rows: failed })).sort((a, b) => b.rows.length - a.rows.length);
}

/** What each model made and cost, dearest first. */
export function usageByModel(rows: readonly ResultRow[]): ModelUsage[] {
  const usage = new Map<string, ModelUsage>();
  for (const row of rows) {
    const model = row.model === '' ? 'none' : row.model;
    const sum = usage.get(model) ?? { model, items: 0, calls: 0, tokens: 0, costUsd: 0 };
    sum.items += 1;
    sum.calls += row.calls;
    sum.tokens += row.input_tokens + row.output_tokens;
    sum.costUsd += row.cost_usd;
    usage.set(model, sum);
  }
  return [...usage.values()].sort((a, b) => b.costUsd - a.costUsd);
}

export interface ModelUsage {
  model: string;
  items: number;
  calls: number;
  tokens: number;
  costUsd: number;
}
