import { setTimeout as delay } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { isGrpcServiceError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { limitsChangeSchema, type Limits, type LimitsChange } from '../domain/batch-spec.ts';
import type { BatchProgress, BatchSummary, RedriveSelector } from '../domain/batch.ts';
import { isErrorCode, SluiceError } from '../domain/errors.ts';
import { explain, notFound } from './errors.ts';
import { projectKey } from './list.ts';

/** How long a query may take before the workers count as gone, milliseconds. */
const queryTimeoutMs = 10_000;

/** What the engine knows of a batch without asking its workers. */
export interface FoundBatch {
  /** `ended`: terminated or failed from outside, without a summary. */
  state: 'running' | 'completed' | 'ended';
  storeUri: string | null;
  total: number;
  project: string;
}

/** One batch's workflow, in the words of this project. */
export class BatchHandle {
  readonly batchId: string;
  private readonly client: Client;
  private readonly handle: WorkflowHandle;

  constructor(client: Client, batchId: string) {
    this.client = client;
    this.batchId = batchId;
    this.handle = client.workflow.getHandle(batchId);
  }

  /** Whether the batch runs, and where its files are; null if the engine does not know it. */
  async find(): Promise<FoundBatch | null> {
    try {
      const { status, memo, type, typedSearchAttributes } = await this.handle.describe();
      if (type !== 'batchWorkflow') return null;
      const storeUri = typeof memo?.['storeUri'] === 'string' ? memo['storeUri'] : null;
      const state = status.name === 'RUNNING' ? 'running' : status.name === 'COMPLETED' ? 'completed' : 'ended';
      const total = typeof memo?.['total'] === 'number' ? memo['total'] : 0;
      return { state, storeUri, total, project: typedSearchAttributes.get(projectKey) ?? 'default' };
    } catch (error) {
      const known = explain(error, this.batchId);
      if (known instanceof SluiceError && known.code === 'BATCH_NOT_FOUND') return null;
      throw known;
    }
  }

  progress(after?: number): Promise<BatchProgress> {
    return this.try(() =>
      this.client.withDeadline(Date.now() + queryTimeoutMs, () =>
        this.handle.query<BatchProgress, [{ after?: number }]>('progress', after === undefined ? {} : { after }),
      ),
    );
  }

  /** The summary of a completed batch. */
  summary(): Promise<BatchSummary> {
    return this.try(() => this.handle.result() as Promise<BatchSummary>);
  }

  /** Resolves when the batch has closed; never, if that cannot be told. `signal` ends the question. */
  async whenClosed(signal: AbortSignal): Promise<void> {
    try {
      await this.client.withAbortSignal(signal, () => this.handle.result());
    } catch {
      // Cancelled, terminated, or nobody answers: who asks finds out by `find`.
      await new Promise(() => undefined);
    }
  }

  async signal(name: 'pause' | 'resume' | 'cancel'): Promise<void> {
    await this.assertRunning();
    await this.try(() => this.handle.signal(name));
  }

  async setLimits(change: LimitsChange): Promise<Limits> {
    const parsed = limitsChangeSchema.safeParse(change);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new SluiceError('USAGE', `${issue?.path.join('.') ?? 'limits'}: ${issue?.message ?? 'is not valid'}`);
    }
    return await this.update<Limits>('setLimits', parsed.data);
  }

  redrive(selector: RedriveSelector): Promise<{ items: number }> {
    return this.update<{ items: number }>('redrive', selector);
  }

  /** Throws BATCH_NOT_FOUND or BATCH_NOT_RUNNING unless this is a batch that can be told something. */
  private async assertRunning(): Promise<void> {
    const found = await this.find();
    if (found === null) throw notFound(this.batchId);
    if (found.state !== 'running') throw new SluiceError('BATCH_NOT_RUNNING', `Batch ${this.batchId} is over.`);
  }

  private async update<T>(name: string, argument: unknown): Promise<T> {
    await this.assertRunning();
    try {
      return await untilTaken(() => this.handle.executeUpdate<T, [unknown]>(name, { args: [argument] }));
    } catch (error) {
      if (error instanceof WorkflowUpdateFailedError) {
        const { cause } = error;
        const code = cause instanceof ApplicationFailure && isErrorCode(cause.type) ? cause.type : 'BATCH_RUNNING';
        throw new SluiceError(code, cause?.message ?? error.message, { cause: error });
      }
      throw explain(error, this.batchId);
    }
  }

  private async try<T>(body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (error) {
      throw explain(error, this.batchId);
    }
  }
}

/** @see https://grpc.io/docs/guides/status-codes/ */
const failedPrecondition = 9;

/**
 * Sends an update again that the batch did not take, because it was just handing over to its next run: the
 * server then answers "unexpected workflow task failure", and the update had no effect.
 */
async function untilTaken<T>(send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (error) {
      const cause = error instanceof Error ? error.cause : undefined;
      const code: number | undefined = isGrpcServiceError(cause) ? cause.code : undefined;
      if (attempt === 10 || code !== failedPrecondition) throw error;
      await delay(50 * attempt);
    }
  }
}
