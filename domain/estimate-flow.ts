import { addCalls, callEstimate, gpuEstimate, gpuKey, type CallsEstimate } from './calls-estimate.ts';
import { modelsOfChoice } from './choose-models.ts';
import { isLoop, type Flow, type Loop, type Step } from './flow.ts';
import { findModel, usualAnswerTokens, type Model, type ModelsFile } from './models.ts';
import { promptChars } from './prompt-size.ts';
import { standInRecord, type StandIn } from './stand-in.ts';
import { holds, renderValue, type TemplateScope } from './templates.ts';

export interface EstimateInput {
  flow: Flow;
  /** What templates see as `item`. */
  item: Readonly<Record<string, unknown>>;
  /** First choice of model by step, but for those that are chosen by load when they begin. */
  chosen: Readonly<Record<string, ChosenModel>>;
  models: ModelsFile;
  /** Of steps that ComfyUI servers do: pictures the item asks for, and the class of those that name none. */
  pictures: number;
  gpuClass: string;
}

export interface ChosenModel {
  key: string;
  model: Model;
}

export interface FlowEstimate {
  /** Expected, USD. */
  costUsd: number;
  /** With one round of each loop, and with all that its bound allows, USD. */
  leastUsd: number;
  mostUsd: number;
  /** By key of models.yaml, or `gpu.<class>`. */
  models: Record<string, CallsEstimate>;
  /** From its first call to its last; waits for turns and people are not counted. */
  seconds: number;
}

/** What a round of a loop is taken to end it with, where the flow expects nothing else of it. */
const roundEndsLoop = 0.5;

/**
 * Rounds that a loop is expected to take: what the flow says of it, else each ends it with a chance of one half until
 * `atMost` of them are over, which comes to 1.75 of 3.
 */
export function expectedRounds({ atMost, expect }: Pick<Loop['repeat'], 'atMost' | 'expect'>): number {
  return expect ?? (1 - (1 - roundEndsLoop) ** atMost) / roundEndsLoop;
}

/** How often a step is run: at least, as expected, at most. */
interface Times {
  least: number;
  expected: number;
  most: number;
}

const once: Times = { least: 1, expected: 1, most: 1 };

/**
 * What an item is expected to come to: prompts are rendered with the row and with stand-ins, of the expected length,
 * for what earlier steps will have made. From the second round on a loop sees what the first one left.
 */
export function estimateFlow(input: EstimateInput): FlowEstimate {
  const { flow, item } = input;
  const steps: Record<string, unknown> = {};
  const scope = { item, parameters: flow.parameters ?? {}, steps, batch: { id: 'batch', project: 'default' } };
  const total: FlowEstimate = { costUsd: 0, leastUsd: 0, mostUsd: 0, models: {}, seconds: 0 };
  /** How the steps of a loop were run last. */
  const last = new Map<Step, { options: Record<string, unknown>; standIn: StandIn }>();

  const add = (step: Step, times: Times, { passed, round }: StandIn): void => {
    const at: TemplateScope = round === 0 ? scope : { ...scope, loop: { round } };
    steps[step.id] ??= null;
    if (step.when !== undefined && !attempt(() => holds(step.when ?? '', at), true)) return;
    const options = attempt(() => renderValue(step.with ?? {}, at), step.with ?? {}) as Record<string, unknown>;
    for (const { key, calls } of callsOf(step, options, input)) {
      addTimes(total, key, calls, times);
    }
    const standIn = { passed, round, ...answerSize(options) };
    steps[step.id] = standInRecord(step, options, standIn);
    last.set(step, { options, standIn });
  };

  for (const entry of flow.steps) {
    if (!isLoop(entry)) {
      add(entry, once, { passed: true, round: 0 });
      continue;
    }
    const more = { least: 0, expected: expectedRounds(entry.repeat) - 1, most: entry.repeat.atMost - 1 };
    for (const step of entry.steps) steps[step.id] = null;
    for (const step of entry.steps) add(step, once, { passed: false, round: 1 });
    if (more.most > 0) for (const step of entry.steps) add(step, more, { passed: false, round: 2 });
    for (const step of entry.steps) {
      const ran = last.get(step);
      if (ran !== undefined) steps[step.id] = standInRecord(step, ran.options, { ...ran.standIn, passed: true });
    }
  }
  return total;
}

function addTimes(total: FlowEstimate, key: string, of: CallsEstimate, { least, expected, most }: Times): void {
  total.leastUsd += least * of.costUsd;
  total.costUsd += expected * of.costUsd;
  total.mostUsd += most * of.costUsd;
  total.seconds += expected * of.seconds;
  total.models[key] = addCalls(total.models[key], of, expected);
}

/** The calls of a step that is run once, by model; of one that is chosen by load an equal share of each. */
function callsOf(
  step: Step,
  options: Readonly<Record<string, unknown>>,
  { chosen, models, pictures, gpuClass, item }: EstimateInput,
): { key: string; calls: CallsEstimate }[] {
  const { id, uses, model: choice } = step;
  if (uses === 'comfy') {
    const calls = gpuEstimate(numberOf(options['count']) ?? pictures);
    return [{ key: gpuKey(step.gpuClass ?? gpuClass), calls }];
  }
  if (uses !== 'text' && uses !== 'image' && uses !== 'video') return [];
  const seconds = numberOf(options['seconds']);
  const size = {
    // What a step of pictures leaves out is the row's.
    promptChars: promptChars(uses === 'text' ? options : { ...options, prompt: options['prompt'] ?? item['prompt'] }),
    ...answerSize(options),
    ...(seconds === undefined ? {} : { seconds }),
  };
  const first = chosen[id];
  if (first !== undefined) return [{ key: first.key, calls: callEstimate(first.model, size) }];
  const all = (choice === undefined ? [] : modelsOfChoice(choice)).flatMap((key) => {
    const model = findModel(models, key);
    return model === undefined ? [] : [{ key, model }];
  });
  return all.map(({ key, model }) => ({
    key,
    calls: addCalls(undefined, callEstimate(model, size), 1 / all.length),
  }));
}

/** Length of an answer, if the step says something of it. */
function answerSize(options: Readonly<Record<string, unknown>>): { outputTokens?: number } {
  const most = numberOf(options['max_output_tokens']);
  const expected = numberOf(options['expected_tokens']) ?? (most && Math.min(most, usualAnswerTokens));
  return expected === undefined ? {} : { outputTokens: Math.round(expected) };
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
