import { isLoop, type FlowEntry, type Step } from '../domain/flow.ts';
import { describeChoice } from '../domain/flow-graph.ts';
import { listFlows, type FlowSearch, type NamedFlow } from './flow-files.ts';

/** One step, or a loop with its steps, as it is shown. */
export interface StepView {
  id: string;
  uses: string;
  when: string | null;
  /** How it gets its model, in a few words. */
  model: string | null;
  /** Of loops. */
  repeat: { at_most: number; until: string } | null;
  steps: StepView[];
}

/** A flow for people and programs: what it takes and what it does. */
export interface FlowView {
  name: string;
  description: string;
  file: string;
  shipped: boolean;
  /** Null: the row’s prompt is all the flow looks at. */
  columns: { name: string; type: string; required: boolean; default: unknown; description: string }[] | null;
  parameters: { name: string; type: string; required: boolean; default: unknown; description: string }[];
  limits: { parallel: number | null; timeout_seconds: number | null; requests_per_minute: number | null };
  steps: StepView[];
  output: string | null;
}

/** The flows that batches can name, those whose files are wrong left out. */
export async function viewFlows(search: FlowSearch): Promise<FlowView[]> {
  return (await listFlows(search)).flatMap(({ flow }) => (flow === null ? [] : [viewFlow(flow)]));
}

/** What `flow show` and the REST API say of a flow. */
export function viewFlow({ name, description, file, shipped, flow, limits, ...of }: NamedFlow): FlowView {
  return {
    name,
    description,
    file,
    shipped,
    columns:
      flow.columns?.map(({ default: value = null, ...column }) => ({
        ...column,
        default: value,
        description: of.columns[column.name] ?? '',
      })) ?? null,
    parameters: Object.entries(of.parameters).map(([key, { type, default: value, description: text = '' }]) => {
      return { name: key, type, required: value === undefined, default: value ?? null, description: text };
    }),
    limits: {
      parallel: limits.concurrency ?? null,
      timeout_seconds: limits.itemTimeoutMs === undefined ? null : limits.itemTimeoutMs / 1_000,
      requests_per_minute: limits.ratePerMinute ?? null,
    },
    steps: flow.steps.map(viewEntry),
    output: flow.output ?? null,
  };
}

function viewEntry(entry: FlowEntry): StepView {
  if (!isLoop(entry)) return viewStep(entry);
  const { id, repeat, steps } = entry;
  const { atMost, until } = repeat;
  return { id, uses: 'loop', when: null, model: null, repeat: { at_most: atMost, until }, steps: steps.map(viewStep) };
}

function viewStep({ id, uses, when, model }: Step): StepView {
  return {
    id,
    uses,
    when: when ?? null,
    model: model === undefined ? null : describeChoice(model),
    repeat: null,
    steps: [],
  };
}
