import { batchSpecSchema, type BatchSpec, type BatchSpecInput } from '../domain/batch-spec.ts';
import { comfySpecSchema } from '../domain/comfy-work.ts';
import { defined } from '../domain/defined.ts';
import { SluiceError } from '../domain/errors.ts';
import { findFlow, usesComfy, type Flow } from '../domain/flow.ts';
import { prepareFlow } from '../domain/prepare-flow.ts';
import type { Store } from '../storage/store.ts';
import { isFlowPath, loadFlow, type FlowSearch, type NamedFlow } from './flow-files.ts';
import { withGraphs } from './flow-graphs.ts';

/** Of what a batch may be given, see `batchSpecSchema`. */
const longestCallMs = 3_600_000;

/** The flow of a batch as its items run it: what a retry goes on with, whatever has become of the flow's file. */
export const flowKey = 'input/flow.json';

/** A batch as it is to be run. */
export interface ResolvedBatch {
  spec: BatchSpec;
  flow: Flow;
  /** Files that go into its store with its items: the graphs of the flow's steps. */
  graphs: { key: string; text: string }[];
}

/**
 * The options of a batch, with the limits of its flow where they say nothing, and the flow as the batch runs it.
 *
 * @throws SluiceError USAGE naming field and rule, UNKNOWN_FLOW, FLOW_INVALID
 */
export async function resolveBatch(given: BatchSpecInput | undefined, search: FlowSearch): Promise<ResolvedBatch> {
  const named = await loadFlow(given?.flow ?? 'image', search);
  const parsed = parseSpec(withLimitsOf(named, given));
  const { parameters, rotateModels, model } = parsed;
  const prepared = prepareFlow(named, { parameters, rotateModels, model }, search.models);
  const { flow, graphs } = await withGraphs(prepared, named.file);
  const [first] = graphs;
  const own =
    first === undefined || parsed.comfy !== undefined ? {} : { comfy: comfySpecSchema.parse({ graph: first.key }) };
  const spec = { ...parsed, ...own };
  if (usesComfy(flow) !== (spec.comfy !== undefined)) {
    const message = usesComfy(flow) ? `The flow ${flow.name} needs a graph.` : 'comfy: not of this flow';
    throw new SluiceError('USAGE', message, { action: 'Make sprites with: sluice generate' });
  }
  return { spec, flow, graphs };
}

/** The flow a batch was started with. Of batches without a file of it the flow is part of the code. */
export async function flowOfBatch(store: Store, name: string): Promise<Flow> {
  const bytes = await store.get(flowKey);
  // Written by us and never by hand: what is damaged fails in the item that meets it.
  const flow = bytes === null ? findFlow(name) : (JSON.parse(bytes.toString('utf8')) as Flow);
  if (flow !== undefined) return flow;
  throw new SluiceError('UNKNOWN_FLOW', `The directory of the batch no longer holds its flow, ${flowKey}.`);
}

function withLimitsOf({ name, file, limits }: NamedFlow, given: BatchSpecInput = {}): BatchSpecInput {
  const { concurrency, ratePerMinute, itemTimeoutMs } = limits;
  return {
    // A single call may take as long as its item, unless somebody says otherwise.
    ...(itemTimeoutMs === undefined ? {} : { itemTimeoutMs, timeoutMs: Math.min(itemTimeoutMs, longestCallMs) }),
    ...defined(given),
    // Whoever reads it may be in another directory.
    flow: isFlowPath(given.flow ?? '') ? file : name,
    limits: { ...defined({ concurrency, ratePerMinute }), ...defined(given.limits ?? {}) },
  };
}

function parseSpec(given: BatchSpecInput): BatchSpec {
  const parsed = batchSpecSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SluiceError('USAGE', `${issue?.path.join('.') ?? 'options'}: ${issue?.message ?? 'is not valid'}`);
}
