import { modelsOfChoice } from './choose-models.ts';
import { SluiceError } from './errors.ts';
import type { FlowDefinition } from './flow-file.ts';
import { readValue } from './flow-values.ts';
import { isLoop, stepsOf, type Flow, type FlowEntry, type ModelChoice, type Step } from './flow.ts';
import { resolveModel, type ModelsFile } from './models.ts';

/** What a batch changes of a flow. */
export interface FlowChange {
  /** Parameters by name; texts are read as the parameter's type says. */
  parameters: Readonly<Record<string, unknown>>;
  /** Items take the models a step may call in turn, whatever rule the flow has. */
  rotateModels: boolean;
  /** Called in place of all others of its kind that steps name, those to fall back on too; null: none. */
  model: string | null;
}

/**
 * A flow as a batch runs it: parameters with their values, models by their keys in models.yaml, so that a later
 * change of an alias leaves the batch alone.
 *
 * @throws SluiceError USAGE for parameters that do not exist, are missing or do not fit
 */
export function prepareFlow(definition: FlowDefinition, change: FlowChange, models: ModelsFile): Flow {
  const { flow } = definition;
  const parameters = readParameters(definition, change.parameters);
  const only = change.model === null ? undefined : resolveModel(models, change.model);
  const prepare = (step: Step): Step => {
    if (step.model === undefined) return step;
    if (only?.model.kind === step.uses) return { ...step, model: { rule: 'fixed', models: [only.key] } };
    return { ...step, model: resolved(step.model, change.rotateModels, models) };
  };
  const steps = flow.steps.map((entry): FlowEntry =>
    isLoop(entry) ? { ...entry, steps: entry.steps.map(prepare) } : prepare(entry),
  );
  const called = stepsOf({ steps }).flatMap(({ model }) => (model === undefined ? [] : modelsOfChoice(model)));
  const providers = Object.fromEntries(
    called.flatMap((key) => {
      const found = resolveModel(models, key);
      return found === undefined ? [] : [[key, found.model.provider] as const];
    }),
  );
  return {
    ...flow,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    steps,
    ...(called.length === 0 ? {} : { providers }),
  };
}

function resolved(choice: ModelChoice, rotate: boolean, models: ModelsFile): ModelChoice {
  const key = (name: string): string => resolveModel(models, name)?.key ?? name;
  const all = [...new Set(modelsOfChoice(choice).map(key))];
  if (rotate && all.length > 1) return { rule: 'round_robin', models: all };
  const own = choice.models.map(key);
  if (choice.rule !== 'by_field') return { ...choice, models: own };
  const table = Object.fromEntries(Object.entries(choice.table).map(([value, name]) => [value, key(name)]));
  return { ...choice, table, models: own };
}

function readParameters(
  { flow, parameters }: FlowDefinition,
  given: FlowChange['parameters'],
): Record<string, unknown> {
  const names = Object.keys(parameters);
  const refuse = (rule: string): SluiceError =>
    new SluiceError('USAGE', `parameters: ${rule}`, { action: `See: sluice flow show ${flow.name}` });
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const there = names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`;
    throw refuse(`the flow ${flow.name} has no parameter "${unknown}"; ${there}`);
  }
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { type, default: value }]) => {
      if (!Object.hasOwn(given, name)) {
        if (value === undefined) throw refuse(`${name} is required by the flow ${flow.name}`);
        return [name, value];
      }
      const read = readValue(type, given[name]);
      if (!read.ok) throw refuse(`${name} ${read.rule}`);
      return [name, read.value];
    }),
  );
}
