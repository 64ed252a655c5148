import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { WorkflowClientInterceptor, WorkflowHandle } from '@temporalio/client';
import { BatchHandle } from '../../client/batch-handle.ts';
import type { Service } from '../../client/modes.ts';
import type { OwnEngine } from '../../client/other-engine.ts';
import { retryBatch } from '../../client/retry.ts';
import { Reviews } from '../../client/reviews.ts';
import { submit, type Submission, type SubmitOptions } from '../../client/submit.ts';
import { batchInfoSchema, type BatchInfo } from '../../domain/batch-info.ts';
import type { BatchInput, BatchProgress, BatchSummary, RedriveSelector } from '../../domain/batch.ts';
import type { Flow } from '../../domain/flow.ts';
import { itemWorkflowId } from '../../domain/ids.ts';
import { resultRowSchema, type ResultRow } from '../../domain/result.ts';
import { readCallLog } from '../../emulators/shared/call-log.ts';
import type { GeminiEmulatorOptions } from '../../emulators/gemini/options.ts';
import { startGeminiEmulator, type GeminiEmulator } from '../../emulators/gemini/server.ts';
import { createGeminiProviders } from '../../providers/gemini/providers.ts';
import { eventually } from './eventually.ts';
import type { TestNamespace } from './namespace.ts';

/** Fields of one row of an input. */
type InputRow = { id: string; prompt: string } & Record<string, string>;

/** `count` rows a1, a2, … whose prompts say what they are; `special` prompts match the rules of faults. */
export function rows(count: number, special: Record<number, string> = {}): InputRow[] {
  return Array.from({ length: count }, (_, place) => {
    const number = place + 1;
    return { id: `a${String(number)}`, prompt: special[number] ?? `picture ${String(number)}` };
  });
}

interface StartOptions {
  /** Events after which a run continues as new; a submission has no option for it, because nobody needs one. */
  maxHistoryEvents?: number;
  /** In place of the flow that was submitted, which only says how its input is read. */
  flow?: Flow;
  /** Called when the input is staged and the workflow is not started yet. */
  beforeStart?: () => void;
}

/** Vendors are emulated, ComfyUI servers are the test's own. */
const given = { live: new Set<Service>(['comfyui']) };

const startOptions = new Map<string, StartOptions>();
/** Of the client of a namespace that rigs are used in. */
export const atStart: WorkflowClientInterceptor = {
  startWithDetails(input, next) {
    const [batch] = input.options.args as [BatchInput];
    const { beforeStart, ...changes } = startOptions.get(batch.storeUri) ?? {};
    beforeStart?.();
    return next({ ...input, options: { ...input.options, args: [{ ...batch, ...changes }] } });
  },
};

/** Changes what the next batch of a store is started with. */
export function changeAtStart(storeUri: string, options: StartOptions): void {
  startOptions.set(storeUri, options);
}

/** One batch of a test: its directory, its model with an emulator of its own, and what there is to ask it. */
export class Rig {
  readonly space: TestNamespace;
  readonly directory: string;
  readonly model: string;
  batchId = '';
  private readonly callLog: string;
  private emulator: GeminiEmulator | null = null;

  /** @param directory @default one of its own */
  constructor(space: TestNamespace, model: string, directory = mkdtempSync(join(space.directory, 'batch-'))) {
    this.space = space;
    this.model = model;
    this.directory = directory;
    mkdirSync(join(this.directory, 'out'), { recursive: true });
    this.callLog = join(this.directory, 'calls.jsonl');
  }

  get output(): string {
    return join(this.directory, 'out');
  }

  get batch(): BatchHandle {
    return new BatchHandle(this.space.client, this.batchId);
  }

  get workflow(): WorkflowHandle {
    return this.space.client.workflow.getHandle(this.batchId);
  }

  item(itemId: string): WorkflowHandle {
    return this.space.client.workflow.getHandle(itemWorkflowId(this.batchId, itemId));
  }

  /** Replaces the emulator behind the model; the call log goes on. */
  async emulate(options: GeminiEmulatorOptions = {}, apiKey = 'a-key-of-no-matter'): Promise<void> {
    await this.emulator?.close();
    this.emulator = await startGeminiEmulator({
      latencyMs: 20,
      models: [this.model],
      callLog: this.callLog,
      ...options,
    });
    this.useKey(apiKey);
  }

  /** The key the workers send from now on. */
  useKey(apiKey: string): void {
    this.space.route(this.model, createGeminiProviders({ apiKey, baseUrl: this.emulator?.url ?? '' }).image);
  }

  /** Submits through the client, without limits of rate and with quick retries unless told otherwise. */
  async submit(
    input: InputRow[],
    options: { spec?: SubmitOptions['spec']; resume?: boolean } & StartOptions = {},
  ): Promise<Submission> {
    const { spec = {}, resume, ...start } = options;
    const storeUri = pathToFileURL(this.output).href;
    changeAtStart(storeUri, start);
    const { client, models } = this.space;
    const submission = await submit(
      { engine: engineOf(this.space), client, models, ...given },
      {
        input: { text: input.map((row) => `${JSON.stringify(row)}\n`).join('') },
        format: 'jsonl',
        output: storeUri,
        resume,
        spec: {
          model: this.model,
          ...spec,
          limits: { ratePerMinute: null, ...spec.limits },
          retry: { initialMs: 10, maxMs: 50, ...spec.retry },
        },
      },
    );
    this.batchId = submission.batchId;
    return submission;
  }

  retry(selector: Omit<RedriveSelector, 'select'> = {}): Promise<{ items: number | null }> {
    const { client, models } = this.space;
    return retryBatch(client, this.batch, { engine: engineOf(this.space), models, ...given }, selector);
  }

  get reviews(): Reviews {
    const { client, models } = this.space;
    return new Reviews(client, { engine: engineOf(this.space), models, ...given });
  }

  reject(itemId: string, note?: string): Promise<unknown> {
    return this.reviews.give({ batchId: this.batchId, itemId }, { decision: 'reject', note });
  }

  /** Waits for the batch to close. */
  summary(): Promise<BatchSummary> {
    return this.batch.summary();
  }

  /** Waits for the batch to be in the state asked for. */
  until(condition: (progress: BatchProgress) => boolean): Promise<BatchProgress> {
    return eventually(async () => {
      const progress = await this.batch.progress(0);
      return condition(progress) ? progress : undefined;
    });
  }

  untilPaused(): Promise<BatchProgress> {
    return this.until(({ pause, counts }) => pause !== null && counts.running === 0);
  }

  calls() {
    return existsSync(this.callLog) ? readCallLog(this.callLog) : [];
  }

  callsFor(prompt: string): number {
    return this.calls().filter((call) => call.prompt === prompt).length;
  }

  /** Waits until that many calls have arrived. */
  untilCalled(count: number) {
    return eventually(() => {
      const calls = this.calls();
      return calls.length >= count ? calls : undefined;
    });
  }

  read(path: string): string {
    return readFileSync(join(this.output, path), 'utf8');
  }

  files(folder: string): string[] {
    return existsSync(join(this.output, folder)) ? readdirSync(join(this.output, folder)).sort() : [];
  }

  /** Rows of results.jsonl. */
  results(): ResultRow[] {
    return this.read('results.jsonl').trimEnd().split('\n').map(parseRow);
  }

  row(itemId: string): ResultRow {
    const found = this.results().filter((row) => row.request_id === itemId);
    const [row] = found;
    if (row === undefined || found.length > 1) throw new Error(`${itemId} has ${String(found.length)} rows.`);
    return row;
  }

  info(): BatchInfo {
    return batchInfoSchema.parse(JSON.parse(this.read('batch_info.json')));
  }

  /** Runs of the batch's workflow, continued and closed ones too. */
  async runs(): Promise<number> {
    const { count } = await this.space.client.workflow.count(`WorkflowId = '${this.batchId}'`);
    return count;
  }

  /** Most calls that were under way at once. */
  mostCallsAtOnce(): number {
    return callsOverTime(this.calls()).reduce((most, { open }) => Math.max(most, open), 0);
  }

  async close(): Promise<void> {
    await this.emulator?.close();
    this.emulator = null;
    if (this.batchId !== '') await this.workflow.terminate('the test is over').catch(() => undefined);
  }
}

/** As which engine the tests of a namespace submit. */
export function engineOf({ client, directory }: TestNamespace): OwnEngine {
  return { home: directory, address: '', namespace: client.options.namespace };
}

/** Search attributes of an execution by name. */
export async function searchAttributesOf(handle: WorkflowHandle): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await handle.describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
}

/** How many calls were open after each arrival and end, in order of time. */
function callsOverTime(calls: ReturnType<typeof readCallLog>): { at: number; open: number }[] {
  const steps = calls.flatMap(({ at, ended_at: endedAt = Infinity }) => [
    { at, change: 1 },
    { at: endedAt, change: -1 },
  ]);
  // Of an end and an arrival in one instant, the end comes first.
  steps.sort((a, b) => a.at - b.at || a.change - b.change);
  let open = 0;
  return steps.map(({ at, change }) => ({ at, open: (open += change) }));
}

function parseRow(line: string): ResultRow {
  return resultRowSchema.parse(JSON.parse(line));
}
