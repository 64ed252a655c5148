import { Baseline } from './baseline-process.ts';
import { historyFigures } from './histories.ts';
import type { Results } from './result.ts';
import { withRig } from './rig.ts';

interface Cost {
  itemsPerSecond: number;
  serverMs: number;
  workerMs: number;
  emulatorMs: number;
}

const concurrency = 50;

/**
 * (c) What does one item cost the engine, beside Temporal's own sliding-window sample? Same server, same
 * activity, turn and turn about in one run, so that what else the machine does hits both.
 */
export async function benchEngineCost(results: Results, items = 500, rounds = 3): Promise<void> {
  await withRig({ emulator: { latencyMs: 0 } }, async (rig) => {
    const baseline = await Baseline.start(rig);
    try {
      await rig.runBatch({ items: 100, concurrency });
      await baseline.runBatch({ items: 100, concurrency });
      const ours: Cost[] = [];
      const theirs: Cost[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const run = await rig.runBatch({ items, concurrency });
        ours.push(costOf(run, items));
        const other = await baseline.runBatch({ items, concurrency });
        theirs.push(costOf(other, items));
        results.add('c', `round ${round}: items/s, ours`, ours.at(-1)?.itemsPerSecond ?? 0, '');
        results.add('c', `round ${round}: items/s, baseline`, theirs.at(-1)?.itemsPerSecond ?? 0, '');
        if (round < rounds) continue;
        await addEvents(results, rig.client, 'ours', items, run.batchId, `SluiceBatch = '${run.batchId}'`);
        const prefix = `WorkflowId STARTS_WITH '${other.workflowId}'`;
        await addEvents(results, rig.client, 'baseline', items, other.workflowId, prefix);
      }
      compare(results, meanCost(ours), meanCost(theirs));
    } finally {
      await baseline.stop();
    }
  });
}

function compare(results: Results, ours: Cost, theirs: Cost): void {
  const both = (metric: string, figure: keyof Cost, unit: string): void => {
    results.add('c', `${metric}, ours`, ours[figure], unit);
    results.add('c', `${metric}, baseline`, theirs[figure], unit);
  };
  both('items/s', 'itemsPerSecond', '');
  both('server CPU per item', 'serverMs', 'ms');
  both('worker CPU per item', 'workerMs', 'ms');
  both('emulator CPU per item', 'emulatorMs', 'ms');
  const total = (cost: Cost): number => cost.serverMs + cost.workerMs;
  results.add('c', 'items/s, ours / baseline', ours.itemsPerSecond / theirs.itemsPerSecond, '', { atLeast: 1 });
  results.add('c', 'server CPU, ours / baseline', ours.serverMs / theirs.serverMs, '', { atMost: 1 });
  results.add('c', 'worker CPU, ours / baseline', ours.workerMs / theirs.workerMs, '', { atMost: 1 });
  results.add('c', 'engine CPU, ours / baseline', total(ours) / total(theirs), '', { atMost: 1 });
}

async function addEvents(
  results: Results,
  client: Parameters<typeof historyFigures>[0],
  side: string,
  items: number,
  parentId: string,
  all: string,
): Promise<void> {
  const parents = await historyFigures(client, `WorkflowId = '${parentId}'`);
  const everything = await historyFigures(client, all);
  results.add('c', `history events per item in the parent, ${side}`, parents.events / items, '');
  results.add('c', `history events per item in the child, ${side}`, (everything.events - parents.events) / items, '');
}

function costOf(run: { wallMs: number; cpuMs: Record<'server' | 'worker' | 'emulator', number> }, items: number): Cost {
  return {
    itemsPerSecond: (items / run.wallMs) * 1_000,
    serverMs: run.cpuMs.server / items,
    workerMs: run.cpuMs.worker / items,
    emulatorMs: run.cpuMs.emulator / items,
  };
}

function meanCost(costs: Cost[]): Cost {
  const mean = (figure: keyof Cost): number => costs.reduce((sum, cost) => sum + cost[figure], 0) / costs.length;
  return {
    itemsPerSecond: mean('itemsPerSecond'),
    serverMs: mean('serverMs'),
    workerMs: mean('workerMs'),
    emulatorMs: mean('emulatorMs'),
  };
}
