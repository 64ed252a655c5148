import { ApplicationFailure } from '@temporalio/workflow';
import type { ItemInput } from '../activities/types.ts';
import { isPlain, stepsOf } from '../domain/flow.ts';
import type { ItemOutcome } from '../domain/result.ts';
import { callPlainStep } from './call-step.ts';
import { ItemRun } from './item-run.ts';

/**
 * Runs the steps of the batch's flow for one item and returns its result row.
 *
 * An item that fails is a Failed execution, so that the Web UI can filter for it; the failure carries
 * the row (what was called and paid for before it failed). History: about 6 events a step that is run, 6 more
 * for each further model that is tried and for a choice by load; loops have a bound, so a flow of `n` steps
 * with at most `r` rounds stays below 12 · n · r · models.
 */
export async function itemWorkflow(input: ItemInput): Promise<ItemOutcome> {
  const { flow, ref } = input;
  if (ref.hash === '') {
    throw ApplicationFailure.nonRetryable(`The staged item in ${ref.part} is damaged or missing.`, 'INPUT_CORRUPT');
  }
  const [first] = stepsOf(flow);
  if (first === undefined) throw ApplicationFailure.nonRetryable(`Flow ${flow.name} has no steps.`, 'INTERNAL');
  return isPlain(flow) ? callPlainStep(first, input) : new ItemRun(input).run();
}
