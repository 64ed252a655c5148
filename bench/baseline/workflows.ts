import {
  ParentClosePolicy,
  condition,
  continueAsNew,
  defineSignal,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import type { CoreActivities, ItemInput, ModelActivities } from '../../activities/types.ts';
import type { Segment } from '../../domain/batch.ts';

type BaselineItem = Omit<ItemInput, 'ref'>;

export interface SlidingWindowInput {
  segment: Segment;
  /** Page of records to begin with. */
  part: number;
  windowSize: number;
  /** What every item has in common. */
  item: BaselineItem;
  progress: number;
  current: string[];
}

const completedSignal = defineSignal<[string]>('reportCompletion');

const { readPage } = proxyActivities<CoreActivities>({ startToCloseTimeout: '1 minute' });
const { generateImage } = proxyActivities<ModelActivities>({ startToCloseTimeout: '1 hour' });

/**
 * The sliding window as Temporal's own sample has it: the parent starts a child for each record once
 * there is room and waits until it is started; the child does one activity and signals the parent; after
 * a page of records the parent continues as new, with the children that still run carried over.
 * @see https://github.com/temporalio/samples-typescript/tree/main/batch-sliding-window
 */
export async function slidingWindowWorkflow(input: SlidingWindowInput): Promise<number> {
  const current = new Set(input.current);
  let { progress } = input;
  setHandler(completedSignal, (id) => {
    if (current.delete(id)) progress += 1;
  });

  const { segment, part, windowSize, item } = input;
  const refs = await readPage({ storeUri: item.storeUri, segment, part });
  for (const ref of refs) {
    await condition(() => current.size < windowSize);
    current.add(ref.id);
    await startChild(recordProcessorWorkflow, {
      workflowId: `${workflowInfo().workflowId}/${ref.id}`,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [{ ...item, ref }],
    });
  }
  if ((part + 1) * segment.rowsPerPart < segment.total) {
    await continueAsNew<typeof slidingWindowWorkflow>({ ...input, part: part + 1, progress, current: [...current] });
  }
  await condition(() => current.size === 0);
  return progress;
}

export async function recordProcessorWorkflow(input: ItemInput): Promise<void> {
  await generateImage(input);
  const { parent } = workflowInfo();
  if (parent !== undefined) await getExternalWorkflowHandle(parent.workflowId).signal(completedSignal, input.ref.id);
}
