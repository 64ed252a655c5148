import { ApplicationFailure, isCancellation } from '@temporalio/workflow';
import type { ItemInput, StepInput, StepMade, StepOutcome } from '../activities/types.ts';
import { isErrorCode } from '../domain/errors.ts';
import { isLoop, outputStep, stepsOf, type Flow, type Step } from '../domain/flow.ts';
import { rowOfSteps, type StepEnd } from '../domain/item-row.ts';
import { itemTimeoutMessage } from '../domain/item-timeout.ts';
import type { ItemOutcome } from '../domain/result.ts';
import { callStep } from './call-step.ts';
import { cancelledMessage, isRow } from './item-end.ts';
import { ModelChooser } from './model-chooser.ts';
import { QuestionDesk } from './question-desk.ts';

/** One item of a flow of several steps: what its steps made so far, what they cost, and what comes next. */
export class ItemRun {
  private readonly input: ItemInput;
  private readonly flow: Flow;
  private readonly models: ModelChooser;
  private readonly desk: QuestionDesk;
  private readonly made: Record<string, StepMade> = {};
  private readonly ends: StepEnd[] = [];

  constructor(input: ItemInput) {
    this.input = input;
    this.flow = { ...input.flow, output: outputStep(input.flow) ?? '' };
    this.models = new ModelChooser(input);
    this.desk = new QuestionDesk(input);
  }

  /** Runs the steps to the end of the flow, or to the first one that does not succeed. */
  async run(): Promise<ItemOutcome> {
    try {
      return (await this.runEntries()) ?? this.row({ status: 'succeeded' });
    } catch (error) {
      if (isCancellation(error) && this.ends.length > 0) {
        return this.row({ status: 'cancelled', error_code: 'CANCELLED', error_message: cancelledMessage });
      }
      if (!(error instanceof ApplicationFailure)) throw error;
      const { message, type } = error;
      const code = isErrorCode(type) ? type : 'INTERNAL';
      const row = this.row({ status: 'failed', error_code: code, error_message: message });
      throw ApplicationFailure.create({ message, type: code, nonRetryable: true, details: [row], cause: error });
    }
  }

  /** Null when all have succeeded. */
  private async runEntries(): Promise<ItemOutcome | null> {
    for (const entry of this.flow.steps) {
      const rounds = isLoop(entry) ? entry.repeat.atMost : 1;
      for (let round = 1; round <= rounds; round += 1) {
        const end = isLoop(entry)
          ? await this.runSteps(entry.steps, round, entry.repeat.until)
          : await this.runSteps([entry], 0);
        if (end === 'done') break;
        if (end !== 'next') return end;
      }
    }
    return null;
  }

  private async runSteps(
    steps: readonly Step[],
    round: number,
    until?: string,
  ): Promise<ItemOutcome | 'next' | 'done'> {
    let done = false;
    for (const [place, step] of steps.entries()) {
      const condition = place === steps.length - 1 && until !== undefined ? { until } : {};
      const outcome = await this.runStep(step, round, condition);
      if (outcome.status !== 'succeeded') return this.row(outcome);
      done = outcome.done === true;
    }
    return done ? 'done' : 'next';
  }

  /** Runs a step with the first of its models that is up. */
  private async runStep(step: Step, round: number, condition: { until?: string }): Promise<StepOutcome> {
    for (;;) {
      const choice = await this.models.choose(step);
      try {
        const outcome = await this.callStep(this.stepInput(step, round, { ...condition, ...choice }));
        this.ended(step, outcome);
        return outcome;
      } catch (error) {
        const row = error instanceof ApplicationFailure ? error.details?.[0] : undefined;
        if (isRow(row)) this.ends.push({ id: step.id, row, path: null, reused: false });
        if (!(error instanceof ApplicationFailure) || !this.models.fallBack(step, error.type)) throw error;
      }
    }
  }

  /** Calls a step's activity; where that asks a person, waits for the answer and calls it with that. */
  private async callStep(input: StepInput): Promise<StepOutcome> {
    const outcome = await callStep(input);
    if (outcome.question === undefined) return outcome;
    return callStep({ ...input, given: await this.desk.ask(outcome.question) });
  }

  private ended(step: Step, { made, skipped, reused, ...row }: StepOutcome): void {
    if (skipped === true) return;
    this.ends.push({ id: step.id, row, path: made?.path ?? null, reused: reused === true });
    if (made !== undefined) this.made[step.id] = made;
  }

  /**
   * What the steps so far left of the item's time. Counted by what they say they worked, not by a timer, so that
   * waits for turns, GPUs and people do not count.
   *
   * @throws ApplicationFailure ITEM_TIMEOUT
   */
  private leftMs(): { leftMs?: number } {
    const { itemTimeoutMs } = this.input;
    if (itemTimeoutMs === undefined) return {};
    const workedMs = this.ends.reduce((sum, { row }) => sum + row.processing_time_seconds * 1_000, 0);
    if (workedMs < itemTimeoutMs) return { leftMs: itemTimeoutMs - workedMs };
    throw ApplicationFailure.nonRetryable(itemTimeoutMessage(itemTimeoutMs), 'ITEM_TIMEOUT');
  }

  private stepInput(step: Step, round: number, more: Pick<StepInput, 'until' | 'model' | 'hasFallback'>): StepInput {
    const { retry, timeoutMs, gpuClass } = this.input;
    const { name, columns, parameters, output } = this.flow;
    const maxAttempts = step.maxAttempts ?? retry.maxAttempts;
    return {
      ...this.input,
      // Not its templates: each step's own are enough, and histories stay small.
      flow: {
        name,
        ...(columns === undefined ? {} : { columns }),
        ...(parameters === undefined ? {} : { parameters }),
        ...(output === undefined ? {} : { output }),
        steps: stepsOf(this.flow).map(({ id, uses }) => ({ id, uses })),
      },
      retry: { ...retry, maxAttempts },
      timeoutMs: step.timeoutMs ?? timeoutMs,
      gpuClass: step.gpuClass ?? gpuClass,
      ...this.leftMs(),
      step,
      round,
      made: { ...this.made },
      ...more,
    };
  }

  private row(
    end: Pick<ItemOutcome, 'status'> & Partial<Pick<ItemOutcome, 'error_code' | 'error_message'>>,
  ): ItemOutcome {
    const { status, error_code = null, error_message = null } = end;
    const { ref } = this.input;
    const whole = { status, error_code, error_message };
    return rowOfSteps(ref, this.ends, { end: whole, output: this.flow.output, nowMs: Date.now() });
  }
}
