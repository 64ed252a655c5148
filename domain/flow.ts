/**
 * A flow as the workflows get it: plain data that the item workflow interprets, so that a new flow needs no new
 * workflow. Read from `flows/*.yaml` and checked at the edge; nothing here is parsed inside a workflow, and
 * nothing here is evaluated there: templates and conditions are worked out by the activity of the step.
 */
export interface Flow {
  name: string;
  /** Columns the flow gives a meaning to, besides those every flow has (id, output_name, seed, …). */
  columns?: readonly Column[];
  /** Values of the flow's parameters for this batch: defaults, changed by what the user gave. */
  parameters?: Readonly<Record<string, unknown>>;
  steps: readonly FlowEntry[];
  /** Id of the step whose file is the item's `output_path`. @default the last one that made a file */
  output?: string;
  /** Provider of each model that may be called, by key of models.yaml: filled in when a batch is submitted. */
  providers?: Readonly<Record<string, string>>;
}

export type FlowEntry = Step | Loop;

/** What a step can be; each kind has its own activity. */
export const stepKinds = ['text', 'image', 'video', 'comfy', 'check', 'approve', 'export', 'http'] as const;
export type StepKind = (typeof stepKinds)[number];

/** One provider call, check, approval, request or export. */
export interface Step {
  /** Unique in the flow, also across loops: letters, digits and `_`; later steps see it as `steps.<id>`. */
  id: string;
  uses: StepKind;
  /** Liquid condition; the step is left out where it does not hold. */
  when?: string;
  /** By kind; texts in it are Liquid templates. */
  with?: Readonly<Record<string, unknown>>;
  /** Of kinds that call a model. */
  model?: ModelChoice;
  /** Of steps on GPUs: which of them may do it. @default the batch's */
  gpuClass?: string;
  /** Calls the step may lose to its own failures. @default the batch's `retry.maxAttempts` */
  maxAttempts?: number;
  /** Longest a single call may take, milliseconds. @default the batch's `timeoutMs` */
  timeoutMs?: number;
}

/** Steps that are run again until a condition holds. Loops do not nest. */
export interface Loop {
  id: string;
  repeat: {
    /** Rounds at most; after the last the item goes on with what it has. */
    atMost: number;
    /** Liquid condition, looked at after the last step of each round. */
    until: string;
    /** Rounds that an item usually takes, for estimates alone. */
    expect?: number;
  };
  steps: readonly Step[];
}

/**
 * Which model of models.yaml a step calls. The first choice is made when the item is staged, but for
 * `least_loaded`, which is chosen when the step begins; both are recorded with the item. When a model is down
 * or its quota is used up, the next one that has not been tried is called instead.
 */
export type ModelChoice =
  | { rule: 'fixed'; models: readonly string[] }
  | { rule: 'round_robin'; models: readonly string[] }
  | { rule: 'by_field'; field: string; table: Readonly<Record<string, string>>; models: readonly string[] }
  | { rule: 'least_loaded'; models: readonly string[] };

/** A column of a flow's input. */
export interface Column {
  name: string;
  /** A path is relative to the file of the row, and absolute once it is staged. */
  type: 'text' | 'number' | 'boolean' | 'json' | 'path';
  required: boolean;
  /** For rows that leave it empty. */
  default?: unknown;
}

export function isLoop(entry: FlowEntry): entry is Loop {
  return 'repeat' in entry;
}

/** All steps in order, those inside loops once. */
export function stepsOf({ steps }: Pick<Flow, 'steps'>): Step[] {
  return steps.flatMap((entry) => (isLoop(entry) ? entry.steps : [entry]));
}

/** Kinds that make files. */
const fileKinds: readonly StepKind[] = ['text', 'image', 'video', 'comfy', 'export'];

/** Id of the step whose file is named after the item alone. */
export function outputStep(flow: Pick<Flow, 'steps' | 'output'>): string | undefined {
  return flow.output ?? stepsOf(flow).findLast(({ uses }) => fileKinds.includes(uses))?.id;
}

/** Kinds that a model makes, so that another seed makes another one. */
const seededKinds: readonly StepKind[] = ['text', 'image', 'video', 'comfy'];

/** Whether what an item of the flow puts out can be made again, and not only be put together again. */
export function canBeMadeAgain(flow: Pick<Flow, 'steps' | 'output'>): boolean {
  const output = outputStep(flow);
  return stepsOf(flow).some(({ id, uses }) => id === output && seededKinds.includes(uses));
}

/**
 * Whether the flow is one call with what the row says, without templates or choices: such an item needs no
 * record but its file, and its row none of its steps.
 */
export function isPlain({ steps }: Pick<Flow, 'steps'>): boolean {
  const [only, ...others] = steps;
  if (only === undefined || others.length > 0 || isLoop(only)) return false;
  const { uses, when, with: options, model } = only;
  return (uses === 'image' || uses === 'comfy') && when === undefined && options === undefined && model === undefined;
}

/** What `flows/image.yaml` and `flows/sprite.yaml` hold: batches from before there were such files name them. */
const builtIn: readonly Flow[] = [
  { name: 'image', steps: [{ id: 'image', uses: 'image' }] },
  { name: 'sprite', steps: [{ id: 'sprite', uses: 'comfy' }] },
];

export function findFlow(name: string): Flow | undefined {
  return builtIn.find((flow) => flow.name === name);
}

/** Whether items of the flow are made on ComfyUI servers, and not by a model of models.yaml. */
export function usesComfy(flow: Pick<Flow, 'steps'>): boolean {
  return stepsOf(flow).some(({ uses }) => uses === 'comfy');
}
