import type { Client } from '@temporalio/client';
import type { Limits, LimitsChange } from '../domain/batch-spec.ts';
import type { BatchProgress, BatchSummary, RedriveSelector } from '../domain/batch.ts';
import type { GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ModelsFile } from '../domain/models.ts';
import type { ResultRow } from '../domain/result.ts';
import type { Answer, Question } from '../domain/question.ts';
import { BatchHandle, type FoundBatch } from './batch-handle.ts';
import { detailOfBatch, type BatchDetail } from './batch-detail.ts';
import { answerQuestion, type AnsweredItem } from './answer.ts';
import type { BatchReport } from './batch-report.ts';
import { reportOfBatch } from './batch-status.ts';
import { cancelBatches } from './cancel-batches.ts';
import { cleanBatches, type CleanOptions, type CleanedBatch } from './clean.ts';
import { credentialsOf, engineEnvironment, vendorsGiven } from './config-credentials.ts';
import { ensureEngine } from './engine/ensure-engine.ts';
import { defaultHome } from './engine/home.ts';
import { temporalAnswers } from './engine/temporal-setup.ts';
import type { EngineStatus } from './engine/engine-status.ts';
import { loadConfig, type Config } from './config.ts';
import { connectClient } from './connect-client.ts';
import type { ConnectOptions } from './connect-options.ts';
import { notFound } from './errors.ts';
import { readInbox, type InboxEntry, type InboxOptions } from './inbox.ts';
import { followBudgets } from './ledger.ts';
import { listJobs, type JobsOptions } from './jobs.ts';
import { writeLoraDataset, type LoraDataset, type LoraDatasetOptions } from './lora-dataset.ts';
import { countOpenBatches, listBatches, type BatchListEntry, type ListOptions, type OpenBatches } from './list.ts';
import { loadModels } from './models.ts';
import { servicesGiven, type Service } from './modes.ts';
import { Money } from './money.ts';
import {
  aheadOf,
  gpuStandings,
  overviewOf,
  type GpuStanding,
  type Overview,
  type OverviewOptions,
} from './overview.ts';
import { planBatch, type BatchPlan, type PlanOptions } from './plan-batch.ts';
import { promptsUnderWay, type PromptUnderWay } from './prompts-under-way.ts';
import { readReport } from './read-report.ts';
import { retryBatch, type Retried } from './retry.ts';
import { Reviews } from './reviews.ts';
import { Schedules } from './schedules.ts';
import { planSprites, type SpriteOptions, type SpritePlan } from './sprites.ts';
import { statsOf, type BatchStats } from './stats.ts';
import { submitOnce } from './submit-once.ts';
import { submit, type Submission, type SubmitOptions } from './submit.ts';
import { findUnfinished, type UnfinishedItem } from './unfinished-item.ts';
import { Webhooks } from './webhooks.ts';
import { followBatch, storedRowsOf, watchBatch, type SequencedRow, type WatchOptions } from './watch.ts';

/** A connection to an engine: everything a batch needs, from submission to clean-up. */
export class Sluice {
  readonly engine: EngineStatus;
  readonly models: ModelsFile;
  /**
   * What batches submitted here may really use: vendors this process itself was given a key of, because an
   * engine that got one from somebody else does not make it pay; and ComfyUI servers.
   */
  readonly live: ReadonlySet<Service>;
  /**
   * The ComfyUI servers batches submitted here may use: those this process was configured with, or, if there
   * are none, those the engine knows (their addresses without user and password).
   */
  readonly gpus: GpuEndpointConfig[];
  /** What was spent, and the budgets over all batches. */
  readonly money: Money;
  /** What others were told of batches. */
  readonly webhooks: Webhooks;
  /** Recurring batches. */
  readonly schedules: Schedules;
  /** What people say of finished items. */
  readonly reviews: Reviews;
  private readonly client: Client;

  private constructor(engine: EngineStatus, models: ModelsFile, config: Config | null, client: Client) {
    this.engine = engine;
    this.gpus = config !== null && config.gpus.length > 0 ? config.gpus : engine.gpus;
    this.live = servicesGiven(config === null ? engine.live : vendorsGiven(config), this.gpus);
    this.models = models;
    this.client = client;
    this.money = new Money(this.client, engine.home);
    this.webhooks = new Webhooks(this.client, engine.home);
    this.schedules = new Schedules(this.client, this, engine.home);
    this.reviews = new Reviews(this.client, this);
  }

  /** What ComfyUI work submitted here uses: `emulated`, the built-in emulator, where there are no servers. */
  get gpuMode(): ProviderMode {
    return this.live.has('comfyui') ? 'live' : 'emulated';
  }

  /**
   * Connects to the engine of a home, starting it if need be.
   * @throws SluiceError ENGINE_UNAVAILABLE, ENGINE_START_FAILED, TEMPORAL_BINARY_MISSING, CONFIG_INVALID
   */
  static async connect(options: ConnectOptions = {}): Promise<Sluice> {
    const home = options.home ?? defaultHome(process.env);
    const notice = options.notice ?? (() => undefined);
    const config = loadConfig({ cwd: process.cwd(), home, env: process.env, notice });
    const engine = await ensureEngine({
      home,
      notice,
      ...(options.start === undefined ? {} : { start: options.start }),
      credentials: options.keys === 'engine' ? {} : credentialsOf(config),
      env: engineEnvironment(config, process.env),
    });
    const models = await loadModels(home);
    await followBudgets(home, config.budgets);
    const client = await connectClient(engine, options.interceptors);
    return new Sluice(engine, models, options.keys === 'engine' ? null : config, client);
  }

  /**
   * Stages an input and starts its batch.
   * @throws SluiceError INPUT_NOT_FOUND, INPUT_UNREADABLE, NO_VALID_REQUESTS, OUTPUT_EXISTS, OUTPUT_IN_USE,
   * OUTPUT_NOT_WRITABLE, IDEMPOTENCY_MISMATCH, USAGE, UNKNOWN_MODEL, UNKNOWN_FLOW, STORAGE_*
   */
  submit(options: SubmitOptions): Promise<Submission> {
    const { engine, client, models, live, gpus } = this;
    const context = { engine, client, models, live, gpus };
    const key = options.idempotencyKey;
    return key === undefined ? submit(context, options) : submitOnce(context, options, key);
  }

  /**
   * Makes sprites on ComfyUI servers: plans a batch and starts it.
   * @throws SluiceError what `submit` does, and USAGE, INVALID_INPUT for a graph that does not fit
   */
  async generate(options: SpriteOptions): Promise<{ plan: SpritePlan; submission: Submission }> {
    const plan = await this.planSprites(options);
    return { plan, submission: await this.submit(plan.submit) };
  }

  /** What `generate` would submit. */
  planSprites(options: SpriteOptions): Promise<SpritePlan> {
    return planSprites(this.engine.home, options, this);
  }

  /** What `submit` would come to; starts nothing and writes nothing. */
  plan(options: PlanOptions): Promise<BatchPlan> {
    return planBatch({ home: this.engine.home, models: this.models }, options);
  }

  /** Results as they complete; returns the summary at the end, null if the batch was ended from outside. */
  watch(batchId: string, options: WatchOptions = {}): AsyncGenerator<ResultRow, BatchSummary | null> {
    return watchBatch(this.batch(batchId), options);
  }

  /** The same, each result with its number. */
  follow(batchId: string, options: WatchOptions = {}): AsyncGenerator<SequencedRow, BatchSummary | null> {
    return followBatch(this.batch(batchId), options);
  }

  /** Results of a batch that are in parts, from one number on and below another. */
  storedRows(batchId: string, from: number, to = Infinity): AsyncGenerator<SequencedRow> {
    return storedRowsOf(this.batch(batchId), from, to);
  }

  /** Whether the engine knows a batch, whether it runs, and where its files are; null if not. */
  find(batchId: string): Promise<FoundBatch | null> {
    return this.batch(batchId).find();
  }

  /** What is going on inside a running batch. */
  async progress(batchId: string, after?: number): Promise<BatchProgress> {
    if ((await this.find(batchId)) === null) throw notFound(batchId);
    return this.batch(batchId).progress(after);
  }

  /** The same with what is known of its submission, and of what goes on in it. */
  detail(batchId: string): Promise<BatchDetail> {
    return detailOfBatch(this.batch(batchId));
  }

  status(batchId: string): Promise<BatchReport> {
    return reportOfBatch(this.batch(batchId));
  }

  list(options: ListOptions = {}): AsyncGenerator<BatchListEntry> {
    return listBatches(this.client, options);
  }

  /** Batches and GPUs at a glance: how far each is, and what is in front of it. */
  overview(options: OverviewOptions = {}): Promise<Overview> {
    const { home, comfyEmulatorUrl: emulatorUrl } = this.engine;
    return overviewOf(this.client, { gpus: this.gpus, emulatorUrl, home }, options);
  }

  /** The GPUs alone. */
  gpuStandings(): Promise<GpuStanding[]> {
    return gpuStandings({ gpus: this.gpus, emulatorUrl: this.engine.comfyEmulatorUrl });
  }

  /** Items of other batches that go before those of this one; null if it does not run. */
  itemsAhead(batchId: string): Promise<number | null> {
    return aheadOf(this.client, batchId);
  }

  /** How many batches have not closed, by state. */
  openBatches(): Promise<OpenBatches> {
    return countOpenBatches(this.client);
  }

  /** Totals over all batches the engine knows. */
  stats(): Promise<BatchStats> {
    return statsOf(this.client);
  }

  /** The prompts that a batch's items have on GPUs, of the items its progress lists as running. */
  promptsUnderWay(batchId: string, { running }: Pick<BatchProgress, 'running'>): Promise<PromptUnderWay[]> {
    return promptsUnderWay(this.client, batchId, running);
  }

  /** Last result of every item. */
  async *jobs(batchId: string, options: JobsOptions = {}): AsyncGenerator<ResultRow> {
    for await (const { row } of listJobs(this.batch(batchId), options)) yield row;
  }

  /** The same with the number of each result, with which a reader can go on later. */
  numberedJobs(batchId: string, options: JobsOptions = {}): AsyncGenerator<SequencedRow> {
    return listJobs(this.batch(batchId), options);
  }

  /** How an item stands that has no result; null if the batch has no such item. */
  unfinishedItem(batchId: string, itemId: string): Promise<UnfinishedItem | null> {
    return findUnfinished(this.client, this.batch(batchId), itemId);
  }

  pause(batchId: string): Promise<void> {
    return this.batch(batchId).signal('pause');
  }

  resume(batchId: string): Promise<void> {
    return this.batch(batchId).signal('resume');
  }

  cancel(batchId: string): Promise<void> {
    return this.batch(batchId).signal('cancel');
  }

  /** Cancels the batches that run, or of them those of which nothing has run yet; says which. */
  cancelMany(which: 'queued' | 'all'): AsyncGenerator<BatchListEntry> {
    return cancelBatches(this.client, which);
  }

  /** Changes concurrency, rate, budget or tolerated failure of a running batch; returns all limits. */
  setLimits(batchId: string, change: LimitsChange): Promise<Limits> {
    return this.batch(batchId).setLimits(change);
  }

  /** What items ask people, the oldest first. */
  inbox(options: InboxOptions = {}): Promise<InboxEntry[]> {
    return readInbox(this.client, options);
  }

  /** Answers what an item asks; returns the question. See {@link answerQuestion} for its errors. */
  answer(item: AnsweredItem, answer: Answer): Promise<Question> {
    return answerQuestion(this.client, item, answer);
  }

  /** Runs failed items again, in the running batch or, once it has closed, as a further run of it. */
  retry(batchId: string, selector: Omit<RedriveSelector, 'select'> = {}): Promise<Retried> {
    return retryBatch(this.client, this.batch(batchId), this, selector);
  }

  /** The Markdown report of a closed batch; null while there is none. */
  report(batchId: string): Promise<string | null> {
    return readReport(this.batch(batchId));
  }

  /** Hands a batch's pictures over to LoRA training: pictures and captions in a folder. */
  loraDataset(batchId: string, options: LoraDatasetOptions): Promise<LoraDataset> {
    return writeLoraDataset(this.batch(batchId), options);
  }

  /** Removes closed batches and their files. */
  clean(options: CleanOptions): AsyncGenerator<CleanedBatch> {
    return cleanBatches(this.client, options);
  }

  /** Whether the engine's Temporal server answers at once. */
  answers(): Promise<boolean> {
    return temporalAnswers(this.engine.address, this.engine.namespace, 2_000).catch(() => false);
  }

  async close(): Promise<void> {
    await this.client.connection.close();
  }

  private batch(batchId: string): BatchHandle {
    return new BatchHandle(this.client, batchId);
  }
}
