import { proxyActivities, upsertSearchAttributes } from '@temporalio/workflow';
import type { CoreActivities, ItemInput, StepInput } from '../activities/types.ts';
import type { ModelChoice, Step, StepKind } from '../domain/flow.ts';
import { coreTaskQueue } from '../domain/ids.ts';
import { isModelDown } from '../domain/surroundings.ts';
import { modelAttribute } from './search-attributes.ts';

const callsModel: readonly StepKind[] = ['text', 'image', 'video'];

/**
 * Which model each step of an item calls: the one chosen when it was staged, or by load when the step begins;
 * then, when that one is down, the next of its list. A step keeps its model through the rounds of a loop.
 */
export class ModelChooser {
  private readonly input: ItemInput;
  /** Models left to each step, the one to call first. */
  private readonly left = new Map<string, string[]>();

  constructor(input: ItemInput) {
    this.input = input;
  }

  async choose(step: Step): Promise<Pick<StepInput, 'model' | 'hasFallback'>> {
    if (!callsModel.includes(step.uses)) return {};
    const left = this.left.get(step.id) ?? (await this.candidates(step));
    this.left.set(step.id, left);
    const key = left[0] ?? this.input.ref.model;
    return { model: { key, provider: this.providerOf(key) }, hasFallback: left.length > 1 };
  }

  /** Passes on to the next model if it was the model that failed, and not what was asked of it. */
  fallBack(step: Step, errorType: string | null | undefined): boolean {
    const left = this.left.get(step.id) ?? [];
    if (!isModelDown(errorType) || left.length < 2) return false;
    this.left.set(step.id, left.slice(1));
    this.show(left[1] ?? '');
    return true;
  }

  private async candidates({ id, model }: Step): Promise<string[]> {
    const { models, model: only } = this.input.ref;
    const staged = models?.[id];
    if (model === undefined) return [staged ?? only];
    const first = staged ?? (await this.firstOf(model));
    // Round robin goes on from where it is, so that the items of a model that is down spread over the others.
    const at = model.models.indexOf(first);
    return [...new Set([first, ...model.models.slice(at + 1), ...model.models.slice(0, at + 1)])];
  }

  private async firstOf({ rule, models }: ModelChoice): Promise<string> {
    const [first = this.input.ref.model] = models;
    if (rule !== 'least_loaded' || models.length < 2) return first;
    const { chooseModel } = proxyActivities<CoreActivities>({
      taskQueue: coreTaskQueue,
      summary: 'Choose the model with the least load',
      startToCloseTimeout: '1 minute',
      retry: { initialInterval: 500, maximumInterval: 5_000 },
    });
    const candidates = models.map((key) => ({ key, provider: this.providerOf(key) }));
    const { key } = await chooseModel({ mode: this.input.mode, candidates });
    this.show(key);
    return key;
  }

  private providerOf(key: string): string {
    const { flow, ref } = this.input;
    return ref.providers?.[key] ?? flow.providers?.[key] ?? ref.provider;
  }

  private show(model: string): void {
    upsertSearchAttributes([{ key: modelAttribute, value: model }]);
  }
}
