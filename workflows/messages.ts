import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { BatchProgress, RedriveSelector } from '../domain/batch.ts';
import type { EventParcel } from '../domain/events.ts';
import type { Limits, LimitsChange } from '../domain/batch-spec.ts';
import type { Answer, Question } from '../domain/question.ts';

/** Stops starting items; those in flight finish. Takes no argument, so it can be sent from Temporal's Web UI. */
export const pauseSignal = defineSignal('pause');
/** Ends a pause, whatever its reason. */
export const resumeSignal = defineSignal('resume');
/** Starts no more items, lets calls under way finish (they are paid for), then closes the batch. */
export const cancelSignal = defineSignal('cancel');

/** From an item to its batch: it waits for a person and gives up its place of the window. The item's id. */
export const itemWaitingSignal = defineSignal<[string]>('itemWaiting');
/** From an item to its batch: it has its answer and goes on. The item's id. */
export const itemResumedSignal = defineSignal<[string]>('itemResumed');
/** A person's answer to what an item asks; the item refuses it when nothing is open, or it is answered already. */
export const answerUpdate = defineUpdate<Question, [Answer]>('answer');

/** `after`: sequence number from which unwritten results are wanted; omitted: none. */
export const progressQuery = defineQuery<BatchProgress, [{ after?: number }?]>('progress');

/** Changes limits while the batch runs; answers the limits now in force. Refuses values out of range. */
export const setLimitsUpdate = defineUpdate<Limits, [LimitsChange]>('setLimits');
/** Runs failed items again, or rejected ones; answers how many. Refuses failed ones while an earlier retry is under way. */
export const redriveUpdate = defineUpdate<{ items: number }, [RedriveSelector]>('redrive');

/** Entries to deliver, for `eventsWorkflow`. */
export const deliverSignal = defineSignal<[EventParcel]>('deliver');
