import { stepsOf, type Flow, type ModelChoice, type Step } from './flow.ts';
import type { qualities } from './item.ts';
import { modelKeys, resolveModel, type Model, type ModelsFile } from './models.ts';

/** What decides which models an item's steps call first. */
export interface ChoiceContext {
  models: ModelsFile;
  /** Model the batch was given; takes the place of the flow's choice in steps of its kind. */
  batchModel: string | null;
  /** Models the row names; they go before all others. */
  rowModels: readonly { column: string; name: string }[];
  quality: (typeof qualities)[number];
  /** Zero-based place of the item: round robin goes by it. */
  index: number;
  /** The row's own columns, for choices by field. */
  data: Readonly<Record<string, unknown>>;
}

/** A chosen model; `steps` says of which steps. */
export type Choice =
  { ok: true; steps: Record<string, { key: string; model: Model }> } | { ok: false; message: string };

/** The first model of each step that calls one, but for those that are chosen by load when they begin. */
export function chooseModels(flow: Pick<Flow, 'name' | 'steps'>, context: ChoiceContext): Choice {
  const { models, rowModels, batchModel } = context;
  const callers = stepsOf(flow).filter(({ uses }) => uses === 'text' || uses === 'image' || uses === 'video');
  const chosen: Record<string, { key: string; model: Model }> = {};
  for (const { column, name } of rowModels) {
    const found = resolveModel(models, name);
    const steps = callers.filter(({ uses }) => uses === found?.model.kind);
    // A file may serve flows of images and of videos: what is for the other is left alone.
    if (found !== undefined && steps.length === 0 && column.startsWith(found.model.kind)) continue;
    if (found === undefined || steps.length === 0) {
      const kinds = new Set(callers.map(({ uses }) => uses as Model['kind']));
      const there = [...kinds].flatMap((kind) => modelKeys(models, kind)).join(', ');
      return { ok: false, message: `${column}: must be one of ${there} (got "${name}")` };
    }
    for (const step of steps) chosen[step.id] = found;
  }
  const forBatch = batchModel === null ? undefined : resolveModel(models, batchModel);
  for (const step of callers) {
    if (chosen[step.id] !== undefined) continue;
    if (forBatch?.model.kind === step.uses) {
      chosen[step.id] = forBatch;
      continue;
    }
    const name = nameOf(step, context);
    if (name === null) continue;
    const found = resolveModel(models, name);
    if (found?.model.kind !== step.uses) {
      return { ok: false, message: `steps.${step.id}: there is no ${step.uses} model "${name}"` };
    }
    chosen[step.id] = found;
  }
  return { ok: true, steps: chosen };
}

/** Null: by load, when the step begins. */
function nameOf({ model }: Step, { models, quality, index, data }: ChoiceContext): string | null {
  if (model === undefined) return models.quality[quality];
  const [first = ''] = model.models;
  switch (model.rule) {
    case 'fixed':
      return first;
    case 'round_robin':
      return model.models[index % model.models.length] ?? first;
    case 'by_field': {
      const value = data[model.field];
      const key = typeof value === 'string' || typeof value === 'number' ? foldChoice(String(value)) : '';
      return Object.hasOwn(model.table, key) ? (model.table[key] ?? first) : first;
    }
    case 'least_loaded':
      return null;
  }
}

/** All models a choice may come to, in order, each once. */
export function modelsOfChoice(choice: ModelChoice): string[] {
  const table = choice.rule === 'by_field' ? Object.values(choice.table) : [];
  return [...new Set([...choice.models, ...table])];
}

/** Values of a column that choose a model are compared like this: `Romantic Comedy` is `romantic-comedy`. */
export function foldChoice(value: string): string {
  return value
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '-');
}
