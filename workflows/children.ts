import {
  CancellationScope,
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  getExternalWorkflowHandle,
  proxyActivities,
  startChild,
} from '@temporalio/workflow';
import type { CoreActivities, ItemInput } from '../activities/types.ts';
import type { InFlightItem } from '../domain/batch.ts';
import { coreTaskQueue, itemWorkflowId } from '../domain/ids.ts';
import { fairnessKey } from '../domain/priority.ts';
import type { ItemOutcome } from '../domain/result.ts';
import { maxWaiting } from '../domain/window.ts';
import { itemEndOfFailure, type ItemEnd } from './item-end.ts';
import { itemWorkflow } from './item.ts';
import { batchAttribute, modelAttribute } from './search-attributes.ts';

/**
 * The batch's running items: children this run started, and children of an earlier run it re-attached
 * to. Children outlive the run (ABANDON), so continue-as-new need not wait for them.
 */
export class Children {
  private readonly running = new Map<string, InFlightItem>();
  private readonly scopes = new Map<string, CancellationScope>();
  private readonly starting = new Set<Promise<void>>();
  private cancelling = false;

  private readonly batchId: string;
  private readonly onEnd: (item: InFlightItem, end: ItemEnd) => void;

  constructor(batchId: string, onEnd: (item: InFlightItem, end: ItemEnd) => void) {
    this.batchId = batchId;
    this.onEnd = onEnd;
  }

  get count(): number {
    return this.running.size;
  }

  /** Items that take a place of the window: one that waits for a person leaves it to another. */
  get working(): number {
    return this.count - Math.min(this.waiting, maxWaiting);
  }

  /** There are items, and every one waits for a person. */
  get allWait(): boolean {
    return this.count > 0 && this.waiting === this.count;
  }

  private get waiting(): number {
    return this.list().filter(({ waiting }) => waiting === true).length;
  }

  /** @param handedOver items an earlier run handed over: its message may come before they are attached to */
  setWaiting(itemId: string, waits: boolean, handedOver: readonly InFlightItem[]): void {
    const item = this.running.get(itemId) ?? handedOver.find(({ ref }) => ref.id === itemId);
    if (item === undefined) return;
    if (waits && item.waiting !== true) item.asked = (item.asked ?? 0) + 1;
    item.waiting = waits;
  }

  list(): InFlightItem[] {
    return [...this.running.values()];
  }

  /** Starts an item's child and does not wait: a window of starts goes to the server in one command batch. */
  start(input: ItemInput): void {
    const { ref } = input;
    const item: InFlightItem = { ref, runId: '', startedAtMs: Date.now() };
    const scope = new CancellationScope();
    this.running.set(ref.id, item);
    this.scopes.set(ref.id, scope);
    const started = scope.run(() =>
      startChild(itemWorkflow, {
        workflowId: itemWorkflowId(this.batchId, ref.id),
        args: [input],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
        staticSummary: `${ref.label} · ${ref.model}`,
        priority: {
          priorityKey: input.priority,
          ...(input.project === undefined ? {} : { fairnessKey: fairnessKey(input.project) }),
        },
        typedSearchAttributes: [
          { key: batchAttribute, value: this.batchId },
          { key: modelAttribute, value: ref.model },
        ],
      }),
    );
    const settled: Promise<void> = started.then(
      (handle) => {
        item.runId = handle.firstExecutionRunId;
        void this.end(item, handle.result().then(rowEnd, itemEndOfFailure));
      },
      (error: unknown) => {
        // The child of a run that was terminated by hand may still be at work under this id.
        if (error instanceof Error && error.name === 'WorkflowExecutionAlreadyStartedError') this.attach(item);
        else void this.end(item, Promise.resolve(itemEndOfFailure(error)));
      },
    );
    this.starting.add(settled);
    void settled.finally(() => this.starting.delete(settled));
  }

  /** Waits for an item that an earlier run started. */
  attach(item: InFlightItem): void {
    this.running.set(item.ref.id, item);
    this.scopes.delete(item.ref.id);
    if (this.cancelling) this.cancelAttached(item);
    const workflowId = itemWorkflowId(this.batchId, item.ref.id);
    const { awaitItem } = proxyActivities<CoreActivities>({
      taskQueue: coreTaskQueue,
      summary: `Await ${item.ref.label}`,
      startToCloseTimeout: '3650 days',
      // An item that waits for a person may do so for days: its re-attachment is to cost next to nothing.
      heartbeatTimeout: item.waiting === true ? '5 minutes' : '30 seconds',
      retry: { initialInterval: 500, maximumInterval: '10 seconds' },
    });
    const end = CancellationScope.nonCancellable(() => awaitItem({ workflowId, runId: item.runId }));
    void this.end(item, end.then(rowEnd, itemEndOfFailure));
  }

  /** Asks every running item to cancel, also those yet to be attached to; each still reports how it ended. */
  cancelAll(): void {
    this.cancelling = true;
    for (const item of this.running.values()) {
      const scope = this.scopes.get(item.ref.id);
      if (scope === undefined) this.cancelAttached(item);
      else scope.cancel();
    }
  }

  /** Resolves when every child is started, so that the next run can re-attach to all of them. */
  async allStarted(): Promise<void> {
    while (this.starting.size > 0) await Promise.all(this.starting);
  }

  /** Not cancellable itself: the batch may have been asked to cancel in this very way. */
  private cancelAttached(item: InFlightItem): void {
    const handle = getExternalWorkflowHandle(itemWorkflowId(this.batchId, item.ref.id), item.runId || undefined);
    // An item that ended in the meantime cannot be cancelled, and need not be.
    void CancellationScope.nonCancellable(() => handle.cancel()).catch(() => undefined);
  }

  private async end(item: InFlightItem, end: Promise<ItemEnd>): Promise<void> {
    const how = await end;
    this.running.delete(item.ref.id);
    this.scopes.delete(item.ref.id);
    this.onEnd(item, how);
  }
}

function rowEnd(row: ItemOutcome): ItemEnd {
  return { kind: 'row', row };
}
