import { modelsOfChoice } from './choose-models.ts';
import { isLoop, type Flow, type Step } from './flow.ts';
import { estimateUsd, findModel, type Model, type ModelsFile } from './models.ts';
import { standInRecord, type StandIn } from './stand-in.ts';
import { holds, renderValue, type TemplateScope } from './templates.ts';

export interface EstimateInput {
  flow: Flow;
  /** What templates see as `item`. */
  item: Readonly<Record<string, unknown>>;
  /** First choice of model by step. */
  chosen: Readonly<Record<string, { model: Model }>>;
  models: ModelsFile;
}

/** What an item's steps are expected to cost, by step. */
export type FlowEstimate = Record<string, number>;

/** What a round of a loop is taken to end it with, as nothing is known before the first run. */
const roundEndsLoop = 0.5;

/**
 * Rounds a loop is expected to take: each ends it with a chance of one half, until `atMost` of them are over.
 * 1.75 of 3. A flow whose checks are stricter costs up to its bound; the budget holds all the same.
 */
export function expectedRounds(atMost: number): number {
  return (1 - (1 - roundEndsLoop) ** atMost) / roundEndsLoop;
}

/**
 * What an item is expected to cost, step by step: prompts are rendered with the row and with stand-ins, of the
 * expected length, for what earlier steps will have made.
 */
export function estimateFlow({ flow, item, chosen, models }: EstimateInput): FlowEstimate {
  const steps: Record<string, unknown> = {};
  const scope = { item, parameters: flow.parameters ?? {}, steps, batch: { id: 'batch', project: 'default' } };
  const costs: FlowEstimate = {};

  const add = (step: Step, times: number, standIn: StandIn): void => {
    const at: TemplateScope = standIn.round === 0 ? scope : { ...scope, loop: { round: standIn.round } };
    steps[step.id] ??= null;
    if (step.when !== undefined && !attempt(() => holds(step.when ?? '', at), true)) return;
    const options = attempt(() => renderValue(step.with ?? {}, at), step.with ?? {}) as Record<string, unknown>;
    const outputTokens = numberOf(options['expected_tokens']);
    costs[step.id] = (costs[step.id] ?? 0) + times * costOf(step, options, { chosen, models, outputTokens });
    steps[step.id] = standInRecord(step, options, {
      ...standIn,
      ...(outputTokens === undefined ? {} : { outputTokens }),
    });
  };

  for (const entry of flow.steps) {
    if (!isLoop(entry)) {
      add(entry, 1, { passed: true, round: 0 });
      continue;
    }
    const { atMost } = entry.repeat;
    for (const step of entry.steps) steps[step.id] = null;
    for (const step of entry.steps) add(step, 1, { passed: false, round: 1 });
    const more = expectedRounds(atMost) - 1;
    if (more > 0) for (const step of entry.steps) add(step, more, { passed: false, round: 2 });
    for (const step of entry.steps) {
      if (steps[step.id] !== null) steps[step.id] = standInRecord(step, step.with ?? {}, { passed: true, round: 2 });
    }
  }
  return costs;
}

function costOf(
  { id, uses, model: choice }: Step,
  options: Readonly<Record<string, unknown>>,
  { chosen, models, outputTokens }: Pick<EstimateInput, 'chosen' | 'models'> & { outputTokens: number | undefined },
): number {
  if (uses !== 'text' && uses !== 'image' && uses !== 'video') return 0;
  const promptChars = charsOf(options['prompt']) + charsOf(options['system']) + charsOf(options['negative_prompt']);
  const seconds = numberOf(options['seconds']);
  const size = {
    promptChars,
    ...(outputTokens === undefined ? {} : { outputTokens: Math.round(outputTokens) }),
    ...(seconds === undefined ? {} : { seconds }),
  };
  const first = chosen[id]?.model;
  if (first !== undefined) return estimateUsd(first, size);
  // Chosen by load when it begins: any of them.
  const all = choice === undefined ? [] : modelsOfChoice(choice).flatMap((key) => findModel(models, key) ?? []);
  return all.reduce((sum, model) => sum + estimateUsd(model, size), 0) / Math.max(1, all.length);
}

function charsOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined;
}

/** Stand-ins may lack what a template asks for: then what the file says has to do. */
function attempt<T>(render: () => T, otherwise: T): T {
  try {
    return render();
  } catch {
    return otherwise;
  }
}
