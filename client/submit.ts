import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { BatchInfo } from '../domain/batch-info.ts';
import type { BatchSpecInput } from '../domain/batch-spec.ts';
import type { BatchInput } from '../domain/batch.ts';
import { batchStartOf } from '../domain/batch-start.ts';
import { SluiceError } from '../domain/errors.ts';
import { isPlain } from '../domain/flow.ts';
import type { GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import { coreTaskQueue, type ProviderMode } from '../domain/ids.ts';
import { openStore } from '../storage/open-store.ts';
import type { Store } from '../storage/store.ts';
import { flowKey, resolveBatch, type ResolvedBatch } from './batch-flow.ts';
import { BatchHandle } from './batch-handle.ts';
import { readBatchInfo, writeBatchInfo } from './batch-info.ts';
import { clearResults } from './clear-results.ts';
import { displayPath } from './batch-report.ts';
import { takeTurn } from './submit-turn.ts';
import { explain } from './errors.ts';
import type { FlowSearch } from './flow-files.ts';
import type { Rejected } from './input/input-entry.ts';
import { eventsOf } from './event-targets.ts';
import { assertClasses } from './gpu-classes.ts';
import { sourceName, type InputFormat, type InputSource } from './input/source.ts';
import { stageInput, type StagedInput } from './input/stage-input.ts';
import { makeDirectory, rejectedPath, storeUriOf } from './output-directory.ts';
import { assertNotElsewhere, engineMark, type OwnEngine } from './other-engine.ts';
import { assertServed, modeOf, servicesOf, type Given, type Service } from './modes.ts';
import { planRun } from './plan-run.ts';

export interface SubmitOptions {
  input: InputSource;
  /** Directory, or address of a store, the batch is written to. @default a directory named after the batch */
  output?: string | undefined;
  /** Where a batch without `output` gets its directory. @default the working directory */
  parent?: string | undefined;
  /** Whether rows may name files of this machine; those of somebody elsewhere may not. @default true */
  localFiles?: boolean | undefined;
  /** Told of each row that is no item, besides the file they are written to. */
  onRejected?: ((rejected: Rejected) => void) | undefined;
  /** @default 'auto' */
  format?: InputFormat | undefined;
  encoding?: string | undefined;
  spec?: BatchSpecInput | undefined;
  /** Run the items in an order of chance. `spec.shuffle` names the seed. @default false */
  shuffle?: boolean | undefined;
  /** Written to the batch's store before its items are staged, e.g. the graph that `spec.comfy` names. */
  files?: readonly { key: string; text: string }[] | undefined;
  /**
   * Names this submission: the same key with the same input, options and flow gives the batch it started, wherever
   * that is written to; with anything else it is refused (IDEMPOTENCY_MISMATCH).
   */
  idempotencyKey?: string | undefined;
  /**
   * What to do with a directory that holds a batch that is over: true does what is missing or failed,
   * false starts anew over it. @default refused with OUTPUT_EXISTS
   */
  resume?: boolean | undefined;
  /** Id of a batch that is new. @default made of the time and chance */
  batchId?: string | undefined;
}

export interface Submission {
  batchId: string;
  storeUri: string;
  /** Directory, or address of the store. */
  output: string;
  mode: ProviderMode;
  /** What makes the items: vendors, or ComfyUI servers. */
  services: ReadonlySet<Service>;
  /** The batch was running already; nothing was started. */
  attached: boolean;
  /** It was started with the same idempotency key before, and may be over. @default false */
  replayed?: boolean;
  /** Sequence number of the first result of this run; earlier ones belong to earlier runs. */
  fromRow: number;
  staged: StagedInput;
}

export interface SubmitContext extends Given {
  engine: OwnEngine;
  client: Client;
  /** ComfyUI servers there are, to refuse what none of them may do. @default nothing is refused */
  gpus?: readonly GpuEndpointConfig[] | undefined;
}

/** A batch that is staged. */
export interface Prepared {
  submission: Submission;
  /** What its workflow is to be started with; null if it runs already. */
  input: BatchInput | null;
}

/**
 * Stages an input and starts its batch, or re-attaches to it if it is running already. Of two commands
 * that submit to one directory at the same time the second waits, and then finds what the first started.
 */
export function submit(context: SubmitContext, options: SubmitOptions): Promise<Submission> {
  return inTurn(context, options, async (store, freshId) => {
    const { submission, input } = await prepareIn(store, context, options, freshId);
    if (input !== null) await startBatch(context.client, input, sourceName(options.input));
    return submission;
  });
}

/** Stages an input for a batch that somebody else starts. */
export function prepare(context: SubmitContext, options: SubmitOptions): Promise<Prepared> {
  return inTurn(context, options, (store, freshId) => prepareIn(store, context, options, freshId));
}

/** Does something to the directory of a submission while no other command does. */
async function inTurn<T>(
  context: SubmitContext,
  options: SubmitOptions,
  body: (store: Store, freshId: string) => Promise<T>,
): Promise<T> {
  await resolveBatch(options.spec, searchOf(context));
  const freshId = options.batchId ?? newBatchId();
  const storeUri = storeUriOf(options.output ?? join(options.parent ?? '', freshId));
  const undo = await makeDirectory(storeUri);
  const turn = await takeTurn(storeUri);
  try {
    return await body(openStore(storeUri), freshId);
  } catch (error) {
    await undo();
    throw error;
  } finally {
    turn.release();
  }
}

async function prepareIn(
  store: Store,
  context: SubmitContext,
  options: SubmitOptions,
  freshId: string,
): Promise<Prepared> {
  const storeUri = store.uri;
  const earlier = await readBatchInfo(store);
  const batch = withSeed(await resolveBatch(options.spec, searchOf(context)), options, earlier);
  const { spec, flow, graphs } = batch;
  const events = eventsOf(context.engine.home, spec);
  const found = earlier === null ? null : await new BatchHandle(context.client, earlier.batch_id).find();
  if (earlier !== null && found?.state === 'running') {
    const attached = await attach(context, options, batch, store, earlier);
    return { submission: { ...attached, services: servicesOf(flow, context.models) }, input: null };
  }
  if (earlier !== null && found === null) await assertNotElsewhere(storeUri, earlier, context.engine, options.resume);

  const plan = await planRun(store, earlier, options.resume, freshId);
  const mode = (plan.reopen ? earlier?.mode : undefined) ?? modeOf(flow, context);
  assertServed(flow, mode, context);
  if (context.gpus !== undefined) assertClasses(flow, context.gpus, mode);
  // The batch that is there is not touched before the input has proved good, as far as it can be read twice.
  if (earlier !== null && !('stream' in options.input)) await readThrough(context, options, batch);
  if (plan.replace) await clearResults(store);
  const own = isPlain(flow) ? [] : [{ key: flowKey, text: JSON.stringify(flow) }];
  const kept = [...own, ...graphs, ...(options.files ?? [])];
  const files = Promise.allSettled(kept.map(({ key, text }) => store.put(key, text)));
  const staged = await stage(store, context, options, batch, earlier === null).finally(() => files);
  for (const file of await files) if (file.status === 'rejected') throw file.reason as Error;
  const info: BatchInfo = {
    version: 1,
    batch_id: plan.batchId,
    flow: flow.name,
    project: spec.project,
    mode,
    created_at: plan.reopen && earlier !== null ? earlier.created_at : new Date().toISOString(),
    engine: engineMark(context.engine),
    input: {
      name: sourceName(options.input),
      digest: staged.digest,
      total: staged.total,
      rejected: staged.rejected,
      rows_per_part: staged.rowsPerPart,
    },
    spec,
    summary: null,
  };
  await writeBatchInfo(store, info);
  const input: BatchInput = {
    batchId: plan.batchId,
    storeUri,
    mode,
    spec,
    flow,
    input: { prefix: 'input', total: staged.total, rowsPerPart: staged.rowsPerPart },
    rejected: staged.rejected,
    ...events,
    ...(plan.reopen ? { reopen: { selector: { select: 'unfinished' }, countAsSkipped: true } } : {}),
  };
  const { batchId, fromRow } = plan;
  const output = displayPath(storeUri);
  const services = servicesOf(flow, context.models);
  return { submission: { batchId, storeUri, output, mode, services, attached: false, fromRow, staged }, input };
}

/** Starts the workflow of a batch, anew or as a further run of the same id. */
export async function startBatch(client: Client, input: BatchInput, source: string): Promise<void> {
  const { batchId } = input;
  const { memo, staticSummary, keywords, priorityKey } = batchStartOf(input, source, Date.now());
  try {
    await client.workflow.start('batchWorkflow', {
      workflowId: batchId,
      taskQueue: coreTaskQueue,
      args: [input],
      priority: { priorityKey },
      memo,
      staticSummary,
      typedSearchAttributes: Object.entries(keywords).map(([name, value]) => ({ key: keyword(name), value })),
    });
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) {
      throw new SluiceError('BATCH_RUNNING', `Batch ${batchId} is running already.`, { cause: error });
    }
    throw explain(error, batchId);
  }
}

/** A shuffled batch that names no seed gets one that is recorded, and the same one when it is submitted again. */
function withSeed(batch: Batch, { shuffle }: SubmitOptions, earlier: BatchInfo | null): Batch {
  if (shuffle !== true || batch.spec.shuffle !== null) return batch;
  const seed = earlier?.spec.shuffle?.seed ?? randomInt(2 ** 31);
  return { ...batch, spec: { ...batch.spec, shuffle: { seed } } };
}

type Batch = ResolvedBatch;

function searchOf({ engine, models }: SubmitContext): FlowSearch {
  return { home: engine.home, models };
}

/** Reads and checks an input and writes nothing. */
function readThrough({ models }: SubmitContext, options: SubmitOptions, batch: Batch): Promise<StagedInput> {
  const { input: source, format, encoding, localFiles } = options;
  return stageInput({ source, format, encoding, localFiles, store: null, models, ...batch, rejected: null });
}

/** @param clear remove what was staged if the rest cannot be */
async function stage(
  store: Store,
  { models }: SubmitContext,
  options: SubmitOptions,
  batch: Batch,
  clear: boolean,
): Promise<StagedInput> {
  const { input: source, format, encoding, localFiles, onRejected } = options;
  try {
    const rejected = rejectedPath(store.uri, source);
    return await stageInput({ source, format, encoding, localFiles, onRejected, store, models, ...batch, rejected });
  } catch (error) {
    if (clear) await clearResults(store);
    throw error;
  }
}

async function attach(
  context: SubmitContext,
  options: SubmitOptions,
  batch: Batch,
  store: Store,
  info: BatchInfo,
): Promise<Omit<Submission, 'services'>> {
  const staged = await readThrough(context, options, batch);
  if (staged.digest !== info.input.digest) {
    throw new SluiceError(
      'OUTPUT_IN_USE',
      `${displayPath(store.uri)} holds the running batch ${info.batch_id}, made from another input or model.`,
    );
  }
  const { batch_id: batchId, mode } = info;
  return { batchId, storeUri: store.uri, output: displayPath(store.uri), mode, attached: true, fromRow: 0, staged };
}

function keyword(name: string) {
  return defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
}

/** An id for a new batch, e.g. `batch_20261122_050102_k3f9` */
export function newBatchId(): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15);
  return `batch_${stamp}_${randomBytes(2).toString('hex')}`;
}
