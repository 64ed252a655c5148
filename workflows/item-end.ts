import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  TerminatedFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { isErrorCode, type ErrorCode } from '../domain/errors.ts';
import type { InFlightItem } from '../domain/batch.ts';
import { blankRow } from '../domain/item-row.ts';
import type { ItemOutcome } from '../domain/result.ts';

/** How a child ended. */
export type ItemEnd =
  { kind: 'row'; row: ItemOutcome } | { kind: 'cancelled' } | { kind: 'lost'; code: ErrorCode; message: string };

/** What a child's failure says of the item, whether the parent saw it itself or through `awaitItem`. */
export function itemEndOfFailure(error: unknown): ItemEnd {
  const wrapped = error instanceof ChildWorkflowFailure || error instanceof ActivityFailure;
  const cause = wrapped ? error.cause : error;
  if (cause instanceof CancelledFailure) return { kind: 'cancelled' };
  if (cause instanceof TerminatedFailure) {
    return { kind: 'lost', code: 'TERMINATED', message: 'The item was terminated by hand.' };
  }
  if (cause instanceof TimeoutFailure) return { kind: 'lost', code: 'TIMEOUT', message: cause.message };
  if (cause instanceof ApplicationFailure) {
    if (cause.type === 'CANCELLED') return { kind: 'cancelled' };
    const row = cause.details?.[0];
    if (isRow(row)) return { kind: 'row', row };
    return { kind: 'lost', code: isErrorCode(cause.type) ? cause.type : 'INTERNAL', message: cause.message };
  }
  return { kind: 'lost', code: 'INTERNAL', message: cause instanceof Error ? cause.message : String(cause) };
}

export function isRow(value: unknown): value is ItemOutcome {
  return typeof value === 'object' && value !== null && 'request_id' in value && 'status' in value;
}

/**
 * The row of an ended item, also of one that could not write its own.
 *
 * @param batchCancelled one that gave up its place is not started again, then
 */
export function rowOfEnd(end: ItemEnd, item: InFlightItem, nowMs: number, batchCancelled: boolean): ItemOutcome {
  if (end.kind === 'row') {
    if (end.row.status !== 'requeued' || !batchCancelled) return end.row;
    return { ...end.row, status: 'cancelled', error_code: 'CANCELLED', error_message: cancelledMessage };
  }
  const cancelled = end.kind === 'cancelled';
  const { ref } = item;
  return {
    ...blankRow(ref, nowMs),
    status: cancelled ? 'cancelled' : 'failed',
    error_code: cancelled ? 'CANCELLED' : end.code,
    error_message: cancelled ? cancelledMessage : end.message,
    processing_time_seconds: Math.max(0, (nowMs - item.startedAtMs) / 1000),
  };
}

export const cancelledMessage = 'The item was cancelled before it was done.';
