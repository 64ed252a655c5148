import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { isErrorCode, SluiceError } from '../domain/errors.ts';
import { itemWorkflowId } from '../domain/ids.ts';
import { answerProblem, type Answer, type Question } from '../domain/question.ts';
import { BatchHandle } from './batch-handle.ts';
import { explain, notFound } from './errors.ts';

/** Which item an answer is for. */
export interface AnsweredItem {
  batchId: string;
  itemId: string;
}

/**
 * Answers what an item asks; it goes on at once. Returns the question that was answered.
 *
 * @throws SluiceError INVALID_ANSWER, QUESTION_NOT_FOUND, QUESTION_ANSWERED, BATCH_NOT_FOUND, ENGINE_UNAVAILABLE
 */
export async function answerQuestion(client: Client, item: AnsweredItem, answer: Answer): Promise<Question> {
  const { batchId, itemId } = item;
  const problem = answerProblem(answer);
  if (problem !== null) throw new SluiceError('INVALID_ANSWER', problem);
  try {
    const handle = client.workflow.getHandle(itemWorkflowId(batchId, itemId));
    return await handle.executeUpdate<Question, [Answer]>('answer', { args: [answer] });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw refusalOf(error, itemId);
    if (!(error instanceof WorkflowNotFoundError)) throw explain(error, batchId);
    if ((await new BatchHandle(client, batchId).find()) === null) throw notFound(batchId, error);
    const message = `No item ${itemId} of batch ${batchId} is under way.`;
    throw new SluiceError('QUESTION_NOT_FOUND', message, { cause: error });
  }
}

function refusalOf(error: WorkflowUpdateFailedError, itemId: string): SluiceError {
  const { cause } = error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
    return new SluiceError(cause.type, cause.message, { cause: error });
  }
  // An item of a flow that asks nobody knows no answers.
  return new SluiceError('QUESTION_NOT_FOUND', `Item ${itemId} asks nothing.`, { cause: error });
}
