import { z } from 'zod';
import { foldChoice } from './choose-models.ts';
import { stepKinds, type Column, type Flow, type FlowEntry, type ModelChoice, type Step } from './flow.ts';
import { columnTypes, parameterSchema, type Parameter } from './flow-values.ts';
import { limitsSchema } from './batch-spec.ts';

/** Names that templates write after a dot. */
const nameSchema = z
  .string()
  .max(60)
  .regex(/^[a-z][a-z0-9_]*$/, { error: 'must be lower-case letters, digits and "_", and begin with a letter' });

const text = (description: string) => z.string().min(1).max(2_000).describe(description);
const modelName = z.string().min(1).max(100);
const modelNames = z.array(modelName).min(1).max(20);

const modelSchema = z
  .union([
    modelName.describe('A model of models.yaml, or an alias'),
    modelNames.describe('The first is called; the others when it is down or its quota is used up'),
    z.strictObject({ round_robin: modelNames }).describe('Items take them in turn'),
    z.strictObject({ least_loaded: modelNames }).describe('The one with the least to do when the step begins'),
    z
      .strictObject({
        by: nameSchema.describe('Column whose value decides'),
        table: z.record(z.string().min(1), modelName).describe('Models by value; upper and lower case are the same'),
        otherwise: z.union([modelName, modelNames]).describe('For values that are not in the table'),
      })
      .describe('By what the row says'),
  ])
  .describe('Which model the step calls')
  .meta({ id: 'model' });

/** What all steps have. `with` is checked by the kind of step, see step-options.ts. */
export const stepSchema = z.strictObject({
  id: nameSchema.describe('Later steps see it as steps.<id>'),
  uses: z.enum(stepKinds).describe('Kind of step'),
  when: text('Liquid condition; the step is left out where it does not hold').optional(),
  with: z.record(z.string(), z.json()).optional().describe('Options by kind; texts in it are Liquid templates'),
  model: modelSchema.optional(),
  max_attempts: z.int().min(1).max(20).optional().describe('Calls the step may lose to its own failures'),
  timeout_seconds: z.number().min(0.1).max(3_600).optional().describe('Longest a single call may take'),
});
type StepInFile = z.output<typeof stepSchema>;

export const loopHeadSchema = z.strictObject({
  id: nameSchema,
  repeat: z.strictObject({
    at_most: z.int().min(1).max(20).describe('Rounds at most; then the item goes on with what it has'),
    until: text('Liquid condition that ends the loop, looked at after each round'),
    expect: z
      .number()
      .min(1)
      .max(20)
      .optional()
      .describe('Rounds an item usually takes, for estimates of cost and time'),
  }),
  steps: z.array(z.unknown()).min(1).max(20).describe('Steps that are run again until the condition holds'),
});

const columnSchema = z.strictObject({
  type: z.enum(columnTypes).default('text'),
  required: z.boolean().default(false),
  default: z.json().optional().describe('For rows that leave it empty'),
  description: text('For people').optional(),
});

/** The top of a flow file; its steps are looked at one by one, so that a mistake is told by the kind of its step. */
export const flowHeadSchema = z.strictObject({
  name: z
    .string()
    .max(60)
    .regex(/^[a-z][a-z0-9-]*$/, { error: 'must be lower-case letters, digits and "-", and begin with a letter' })
    .describe('What --flow calls it; that of the file'),
  description: text('One sentence for people'),
  columns: z
    .record(nameSchema, columnSchema)
    .optional()
    .describe('Columns of the input that templates see as item.<name>. Left out: the row’s prompt is all there is'),
  parameters: z
    .record(nameSchema, parameterSchema)
    .default({})
    .describe('What --param sets for a batch; templates see parameters.<name>'),
  limits: z
    .strictObject({
      parallel: limitsSchema.shape.concurrency.unwrap().optional().describe('Items worked on at once'),
      timeout_seconds: z
        .number()
        .min(0.1)
        .max(86_400)
        .optional()
        .describe('Longest the steps of an item may work together; waits for turns and people are not counted'),
      requests_per_minute: limitsSchema.shape.ratePerMinute
        .unwrap()
        .optional()
        .describe('Calls a minute; null: as many as the models allow'),
    })
    .default({})
    .describe('For batches that do not say otherwise'),
  steps: z.array(z.unknown()).min(1).max(50),
  output: nameSchema.optional().describe('Id of the step whose file is the item’s output'),
});
export type FlowHead = z.output<typeof flowHeadSchema>;

/** A flow as a file describes it. */
export interface FlowDefinition {
  description: string;
  /** With the parameters' defaults, and models by the names the file gives. */
  flow: Flow;
  columns: Readonly<Record<string, string>>;
  parameters: Readonly<Record<string, Parameter>>;
  limits: { concurrency?: number; itemTimeoutMs?: number; ratePerMinute?: number | null };
}

/** A step or loop as the file has it, its schema checked. */
export type EntryInFile = StepInFile | (Omit<z.output<typeof loopHeadSchema>, 'steps'> & { steps: StepInFile[] });

/** Makes a flow of a file whose schema has been checked. */
export function toDefinition(head: FlowHead, entries: readonly EntryInFile[]): FlowDefinition {
  const { name, description, columns, parameters, limits, output } = head;
  const defaults = Object.entries(parameters).flatMap(([key, { default: value }]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return {
    description,
    flow: {
      name,
      ...(columns === undefined ? {} : { columns: Object.entries(columns).map(toColumn) }),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters: Object.fromEntries(defaults) }),
      steps: entries.map(toEntry),
      ...(output === undefined ? {} : { output }),
    },
    columns: Object.fromEntries(Object.entries(columns ?? {}).map(([key, column]) => [key, column.description ?? ''])),
    parameters,
    limits: {
      ...(limits.parallel === undefined ? {} : { concurrency: limits.parallel }),
      ...(limits.timeout_seconds === undefined ? {} : { itemTimeoutMs: Math.round(limits.timeout_seconds * 1_000) }),
      ...(limits.requests_per_minute === undefined ? {} : { ratePerMinute: limits.requests_per_minute }),
    },
  };
}

function toColumn([name, column]: [string, z.output<typeof columnSchema>]): Column {
  const { type, required, default: value } = column;
  return { name, type, required, ...(value === undefined ? {} : { default: value }) };
}

function toEntry(entry: EntryInFile): FlowEntry {
  if (!('repeat' in entry)) return toStep(entry);
  const { id, repeat, steps } = entry;
  const { at_most: atMost, until, expect } = repeat;
  return { id, repeat: { atMost, until, ...(expect === undefined ? {} : { expect }) }, steps: steps.map(toStep) };
}

function toStep({ id, uses, when, with: options, model, max_attempts, timeout_seconds }: StepInFile): Step {
  const gpuClass = options?.['gpu_class'];
  return {
    id,
    uses,
    ...(when === undefined ? {} : { when }),
    ...(options === undefined ? {} : { with: options }),
    ...(model === undefined ? {} : { model: toChoice(model) }),
    ...(uses === 'comfy' && typeof gpuClass === 'string' ? { gpuClass } : {}),
    ...(max_attempts === undefined ? {} : { maxAttempts: max_attempts }),
    ...(timeout_seconds === undefined ? {} : { timeoutMs: Math.round(timeout_seconds * 1_000) }),
  };
}

function toChoice(model: z.output<typeof modelSchema>): ModelChoice {
  if (typeof model === 'string') return { rule: 'fixed', models: [model] };
  if (Array.isArray(model)) return { rule: 'fixed', models: model };
  if ('round_robin' in model) return { rule: 'round_robin', models: model.round_robin };
  if ('least_loaded' in model) return { rule: 'least_loaded', models: model.least_loaded };
  const { by: field, table, otherwise } = model;
  const models = typeof otherwise === 'string' ? [otherwise] : otherwise;
  const folded = Object.entries(table).map(([value, name]) => [foldChoice(value), name]);
  return { rule: 'by_field', field, table: Object.fromEntries(folded) as Record<string, string>, models };
}
