import type { Client } from '@temporalio/client';
import { stepsOf } from '../domain/flow.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ResultRow } from '../domain/result.ts';
import { utcDay } from '../domain/utc-day.ts';
import type { Spending } from '../storage/ledger/ledger-log.ts';
import { openStore } from '../storage/open-store.ts';
import { scanResults } from '../storage/results-scan.ts';
import type { Store } from '../storage/store.ts';
import { flowOfBatch } from './batch-flow.ts';
import { readBatchInfo } from './batch-info.ts';
import { withLedger } from './ledger.ts';
import { listBatches } from './list.ts';
import { storeUriOf } from './output-directory.ts';

/** What a rebuild did. */
export interface RebuiltCosts {
  /** Batches written anew from their results. */
  rebuilt: string[];
  /** Batches left as they are: they run, or their directory is gone. */
  left: string[];
}

/**
 * Writes the ledger anew from the results of all closed batches the engine knows: for one that was lost or
 * damaged. What calls of dead workers are presumed to have cost stays, because no result tells of it.
 */
export function rebuildCosts(client: Client, home: string): Promise<RebuiltCosts> {
  return withLedger(home, async (ledger) => {
    const done: RebuiltCosts = { rebuilt: [], left: [] };
    for await (const { batch_id: batchId, output, closed_at: closedAt } of listBatches(client)) {
      const spendings = closedAt === null ? null : await spendingsOf(openStore(storeUriOf(output)), batchId);
      if (spendings !== null) ledger.replaceBatch(batchId, spendings);
      (spendings === null ? done.left : done.rebuilt).push(batchId);
    }
    return done;
  });
}

/** Null where the store holds another batch, or none. */
async function spendingsOf(store: Store, batchId: string): Promise<Spending[] | null> {
  const info = await readBatchInfo(store).catch(() => null);
  if (info?.batch_id !== batchId) return null;
  const { mode, project, summary } = info;
  const isCharged = await chargedSteps(store, info.flow);
  const sums = new Map<string, Spending>();
  const add = (day: string, row: SpentRow): void => {
    const key = `${day} ${row.model}`;
    const sum = sums.get(key) ?? emptySpending({ mode, project, batch: batchId, model: row.model }, day);
    sum.calls += row.calls;
    sum.usage.inputTokens += row.input_tokens;
    sum.usage.outputTokens += row.output_tokens;
    sum.usage.images += row.images;
    sum.microUsd += Math.round(row.cost_usd * 1e6);
    sums.set(key, sum);
  };
  await scanResults(store, 0, (row) => {
    for (const spent of spentOf(row, isCharged)) add(utcDay(Date.parse(row.finished_at)), spent);
  });
  const told = [...sums.values()].reduce((total, { microUsd }) => total + microUsd, 0);
  // Calls of items that were stopped by a pause and cancelled before they went on stand in the summary alone.
  const missing = summary === null ? 0 : Math.round(summary.cost_usd * 1e6) - told;
  if (summary !== null && missing > 0) {
    const model = [...sums.values()].at(-1)?.model ?? 'unknown';
    add(utcDay(Date.parse(summary.finished_at)), { ...nothing, model, cost_usd: missing / 1e6 });
  }
  return [...sums.values()].filter(({ calls, microUsd }) => calls > 0 || microUsd > 0);
}

type SpentRow = Pick<ResultRow, 'model' | 'calls' | 'input_tokens' | 'output_tokens' | 'images' | 'cost_usd'>;

const nothing = { calls: 0, input_tokens: 0, output_tokens: 0, images: 0 };

/** What a row says was spent, by model. */
function spentOf(row: ResultRow, isCharged: (stepId: string) => boolean): readonly SpentRow[] {
  if (row.steps !== undefined) return row.steps.filter(({ id }) => isCharged(id));
  return isCharged(plainStep) ? [row] : [];
}

/** In place of the id of a flow's only step, which its rows do not tell. */
const plainStep = '';

/** The steps whose calls the ledger has: those of models, not of one's own GPUs or of other hosts. */
async function chargedSteps(store: Store, flowName: string): Promise<(stepId: string) => boolean> {
  const flow = await flowOfBatch(store, flowName).catch(() => null);
  if (flow === null) return () => true;
  const charged = stepsOf(flow).filter(({ uses }) => uses === 'text' || uses === 'image' || uses === 'video');
  const ids = new Set(charged.map(({ id }) => id));
  return (stepId) => (stepId === plainStep ? ids.size > 0 : ids.has(stepId));
}

function emptySpending(
  account: { mode: ProviderMode; project: string; batch: string; model: string },
  day: string,
): Spending {
  return {
    ...account,
    day,
    calls: 0,
    usage: { inputTokens: 0, outputTokens: 0, images: 0 },
    microUsd: 0,
    presumedMicroUsd: 0,
  };
}
