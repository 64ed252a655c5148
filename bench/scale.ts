import { historyFigures } from './histories.ts';
import type { Results } from './result.ts';
import { withRig } from './rig.ts';

interface Figures {
  itemsPerSecond: number;
  workerPeakMiB: number;
  mostEvents: number;
}

/** (d) Is a large batch as cheap, item by item, as a small one? */
export async function benchScale(results: Results, small = 1_000, large = 10 * small): Promise<void> {
  const few = await figuresOf(results, small);
  const many = await figuresOf(results, large);
  results.add('d', `items/s, ${large} / ${small}`, many.itemsPerSecond / few.itemsPerSecond, '', { atLeast: 0.9 });
  results.add('d', `worker memory, ${large} / ${small}`, many.workerPeakMiB / few.workerPeakMiB, '', { atMost: 1.3 });
  const most = Math.max(few.mostEvents, many.mostEvents);
  results.add('d', 'events of the longest history', most, '', { atMost: 10_000 });
}

/** Each size has an engine of its own, warmed up, so that neither inherits memory or a database. */
async function figuresOf(results: Results, items: number): Promise<Figures> {
  return withRig({ emulator: { latencyMs: 0 } }, async (rig) => {
    await rig.runBatch({ items: 200, concurrency: 50 });
    rig.meters.worker.resetPeak();
    rig.meters.server.resetPeak();
    const run = await rig.runBatch({ items, concurrency: 50 });
    const parents = await historyFigures(rig.client, `WorkflowId = '${run.batchId}'`);
    const figures = {
      itemsPerSecond: (items / run.wallMs) * 1_000,
      workerPeakMiB: rig.meters.worker.peakMiB(),
      mostEvents: parents.mostEvents,
    };
    const add = (metric: string, value: number, unit: string): void => {
      results.add('d', `${items} items: ${metric}`, value, unit);
    };
    add('succeeded', run.summary.counts.succeeded, '');
    add('items/s', figures.itemsPerSecond, '');
    add('server CPU per item', run.cpuMs.server / items, 'ms');
    add('worker CPU per item', run.cpuMs.worker / items, 'ms');
    add('worker memory, peak', figures.workerPeakMiB, 'MiB');
    add('server memory, peak', rig.meters.server.peakMiB(), 'MiB');
    add('runs of the batch workflow', parents.runs, '');
    return figures;
  });
}
