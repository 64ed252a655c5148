import { z } from 'zod';
import type { RedriveSelector } from './batch.ts';
import { SluiceError, type ErrorCode } from './errors.ts';
import { stepsOf, type Flow } from './flow.ts';
import type { StagedItem } from './item.ts';
import { modelKeys, resolveModel, type ModelsFile } from './models.ts';

const judged: readonly (string | undefined)[] = ['CHECK_FAILED', 'REJECTED'] satisfies ErrorCode[];

/** What a redrive changes in the items it runs again: nothing by default. */
type Change = Pick<RedriveSelector, 'model' | 'parameters'>;

/**
 * Gives an item the model and the parameters it is to be run again with. A step that is finished and whose
 * request stays the same keeps what it made; the others, where they call a model of that kind, call this one. Of an
 * item that failed because what it made was judged, all of them do: another text is what is asked for.
 *
 * @returns changes an item, given what it failed with
 * @throws SluiceError UNKNOWN_MODEL; INVALID_INPUT when the flow calls no model of its kind
 */
export function redriveChange(
  { model: wanted, parameters }: Change,
  flow: Pick<Flow, 'name' | 'steps'>,
  models: ModelsFile,
): (item: StagedItem, code?: string) => StagedItem {
  const changed = z.record(z.string(), z.json()).optional().parse(parameters);
  const withParameters = (item: StagedItem): StagedItem =>
    changed === undefined ? item : { ...item, parameters: { ...item.parameters, ...changed } };
  if (wanted === undefined) return withParameters;

  const found = resolveModel(models, wanted);
  if (found === undefined) {
    throw new SluiceError('UNKNOWN_MODEL', `There is no model "${wanted}"; there are: ${modelKeys(models).join(', ')}`);
  }
  const { key, model } = found;
  const steps = stepsOf(flow).filter(({ uses }) => uses === model.kind);
  if (steps.length === 0) {
    throw new SluiceError('INVALID_INPUT', `${key} is of kind ${model.kind}, which no step of ${flow.name} calls.`);
  }
  const choices = Object.fromEntries(steps.map(({ id }) => [id, key]));
  return (item, code) => ({
    ...withParameters(item),
    ...(judged.includes(code) ? { anew: steps.map(({ id }) => id) } : {}),
    models: { ...item.models, ...choices },
    providers: { ...item.providers, [key]: model.provider },
    // What is shown first, and what a flow of one step calls.
    ...(steps[0] === stepsOf(flow)[0] ? { model: key, provider: model.provider } : {}),
  });
}
