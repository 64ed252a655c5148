import { SluiceError } from '../domain/errors.ts';
import { stepsOf } from '../domain/flow.ts';
import { itemScope } from '../domain/item-scope.ts';
import type { StagedItem } from '../domain/item.ts';
import { parseStepRecord, type StepRecord } from '../domain/step-record.ts';
import type { TemplateScope } from '../domain/templates.ts';
import type { Store } from '../storage/store.ts';
import type { StepInput } from './types.ts';

/** What a step's templates see: the row, the parameters, and what earlier steps made. */
export async function readScope(store: Store, input: StepInput, item: StagedItem): Promise<TemplateScope> {
  const { flow, round, batchId, project = '' } = input;
  const loop = round === 0 ? {} : { loop: { round } };
  const parameters = { ...flow.parameters, ...item.parameters };
  const steps = await readSteps(store, input);
  return { item: itemScope(flow, item), parameters, steps, ...loop, batch: { id: batchId, project } };
}

/** Records of earlier steps by id; null of those that have not run, or that nothing here asks for. */
async function readSteps(store: Store, input: StepInput): Promise<Record<string, StepRecord | null>> {
  const { flow, step, until, made } = input;
  const wanted = isNamedIn(JSON.stringify([step.when, step.with, until]));
  const entries = await Promise.all(
    stepsOf(flow).map(async ({ id }) => {
      const place = made[id];
      return [id, place === undefined || !wanted(id) ? null : await readRecord(store, place.key)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** Records can be many and large: only those whose id stands in a template are read. */
function isNamedIn(templates: string): (id: string) => boolean {
  // All of them where a template asks for more than one by name, e.g. in a `for`.
  if (/\bsteps\b(?!\s*\.)/.test(templates)) return () => true;
  const words = new Set(templates.match(/\w+/g));
  return (id) => words.has(id);
}

async function readRecord(store: Store, key: string): Promise<StepRecord> {
  const bytes = await store.get(key);
  const record = bytes === null ? null : parseStepRecord(bytes.toString('utf8'));
  if (record !== null) return record;
  throw new SluiceError('STORAGE_ERROR', `What an earlier step made, ${key}, is missing or damaged.`);
}
