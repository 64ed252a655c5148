import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { ItemInput } from '../activities/types.ts';
import {
  answerProblem,
  misfitOf,
  type Answer,
  type GivenAnswer,
  type OpenQuestion,
  type Question,
} from '../domain/question.ts';
import { answerUpdate, itemResumedSignal, itemWaitingSignal } from './messages.ts';
import { renderQuestion } from './question-details.ts';
import { stateAttribute } from './search-attributes.ts';

/**
 * Where an item waits for people. While it does, it is found by its state (`waiting`) and its memo `question`,
 * tells its batch that it holds no place, and costs nothing: there is no activity, only a timer if the step has a
 * time limit. About 15 events a question.
 */
export class QuestionDesk {
  private readonly batchId: string;
  private readonly itemId: string;
  private readonly storeUri: string;
  private open: Question | null = null;
  private answer: Answer | null = null;
  /** Id of the question that was answered last. */
  private settled: string | null = null;

  constructor({ batchId, storeUri, ref }: Pick<ItemInput, 'batchId' | 'storeUri' | 'ref'>) {
    this.batchId = batchId;
    this.storeUri = storeUri;
    this.itemId = ref.id;
    setHandler(answerUpdate, (answer) => this.take(answer), {
      validator: (answer: Answer) => {
        this.check(answer);
      },
    });
  }

  /**
   * Waits for the answer, or for the end of the time the question has.
   *
   * @throws ApplicationFailure NOT_ANSWERED where nobody answers in time and the step says that the item has failed then
   */
  async ask(question: Question): Promise<GivenAnswer> {
    this.open = question;
    this.answer = null;
    upsertSearchAttributes([{ key: stateAttribute, value: 'waiting' }]);
    const open: OpenQuestion = { ...question, storeUri: this.storeUri, since: new Date(Date.now()).toISOString() };
    upsertMemo({ question: open });
    setCurrentDetails(renderQuestion(this.batchId, this.itemId, question));
    await this.tellBatch(itemWaitingSignal);
    const answer = await this.wait(question);
    this.open = null;
    this.settled = question.id;
    upsertSearchAttributes([{ key: stateAttribute, value: 'running' }]);
    upsertMemo({ question: undefined });
    setCurrentDetails('');
    await this.tellBatch(itemResumedSignal);
    if (answer !== null) {
      const { question: _id, ...given } = answer;
      return { ...given, by: 'person' };
    }
    if (question.onTimeout !== 'fail') return { decision: question.onTimeout, by: 'time limit' };
    throw ApplicationFailure.nonRetryable(`Nobody has answered in time: ${question.title}`, 'NOT_ANSWERED');
  }

  /** Null when the time is over. */
  private async wait({ title, timeoutMs }: Question): Promise<Answer | null> {
    const isAnswered = (): boolean => this.answer !== null;
    if (timeoutMs === null) await condition(isAnswered);
    else await condition(isAnswered, timeoutMs, { summary: `Time limit: ${title}`.slice(0, 200) });
    return this.answer;
  }

  private check(answer: Answer): void {
    const { open } = this;
    if (open === null || this.answer !== null) {
      const answered = this.settled !== null || this.answer !== null;
      throw answered
        ? ApplicationFailure.nonRetryable(`Item ${this.itemId} has been answered already.`, 'QUESTION_ANSWERED')
        : ApplicationFailure.nonRetryable(`Item ${this.itemId} asks nothing.`, 'QUESTION_NOT_FOUND');
    }
    const problem = answerProblem(answer) ?? misfitOf(answer, open);
    if (problem !== null) throw ApplicationFailure.nonRetryable(problem, 'INVALID_ANSWER');
  }

  private take(answer: Answer): Question {
    const { open } = this;
    if (open === null) throw ApplicationFailure.nonRetryable(`Item ${this.itemId} asks nothing.`, 'QUESTION_NOT_FOUND');
    this.answer = answer;
    return open;
  }

  /** The batch may be over, or ended by hand: then there is no window to mind. */
  private async tellBatch(signal: typeof itemWaitingSignal): Promise<void> {
    try {
      await getExternalWorkflowHandle(this.batchId).signal(signal, this.itemId);
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
}
