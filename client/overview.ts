import type { Client } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';
import { withoutCredentials, type GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import { priorityAt, priorityKey, type PriorityName } from '../domain/priority.ts';
import { openStore } from '../storage/open-store.ts';
import { BatchHandle } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import type { BatchReport } from './batch-report.ts';
import { reportOfBatch } from './batch-status.ts';
import { lookAtGpu } from './engine/look-at-gpu.ts';
import { listBatches } from './list.ts';
import { modelLoads, type ModelLoad } from './model-loads.ts';
import { storeUriOf } from './output-directory.ts';

export interface OverviewOptions {
  /** Closed batches too. @default false */
  all?: boolean | undefined;
}

/** A batch among the others. Snake case because commands print it. */
export interface BatchStanding extends BatchReport {
  priority: PriorityName;
  /** ISO 8601, UTC: when it was first submitted. */
  created_at: string;
  /**
   * Items of other running batches of the flow that are done before all of this one are: all of more urgent ones,
   * and as many as it has itself of those as urgent. Null for one that does not run.
   */
  ahead: number | null;
}

/** A ComfyUI server. */
export interface GpuStanding {
  name: string;
  /** Without user and password. */
  url: string;
  classes: string[];
  alive: boolean;
  /** The device, or why it cannot be used. */
  detail: string;
  /** Prompts, whoever sent them: a server runs one at a time. Null where it does not say. */
  running: number | null;
  waiting: number | null;
}

export interface Overview {
  batches: BatchStanding[];
  gpus: GpuStanding[];
  /** Models in use, or in use a minute ago. */
  models: ModelLoad[];
}

/** The servers of the configuration; where there are none, the engine's emulator stands in. */
interface Servers {
  gpus: readonly GpuEndpointConfig[];
  emulatorUrl: string;
}

interface OverviewSources extends Servers {
  /** Where the log of the limits is. */
  home: string;
}

export async function overviewOf(
  client: Client,
  sources: OverviewSources,
  { all = false }: OverviewOptions,
): Promise<Overview> {
  const [batches, gpus] = await Promise.all([standings(client, all), gpuStandings(sources)]);
  return { batches, gpus, models: modelLoads(sources.home) };
}

export function gpuStandings({ gpus, emulatorUrl }: Servers): Promise<GpuStanding[]> {
  const endpoints = gpus.length > 0 ? gpus : [{ name: 'emulator', url: emulatorUrl, classes: ['any'] }];
  return Promise.all(endpoints.map(lookAt));
}

/** Items that go before those of a batch; see `BatchStanding.ahead`. */
export async function aheadOf(client: Client, batchId: string): Promise<number | null> {
  const all = await standings(client, false);
  return all.find(({ batch_id }) => batch_id === batchId)?.ahead ?? null;
}

async function standings(client: Client, all: boolean): Promise<BatchStanding[]> {
  const found: Omit<BatchStanding, 'ahead'>[] = [];
  for await (const { batch_id: batchId, started_at: startedAt } of listBatches(client, { open: !all })) {
    const report = await reportOf(client, batchId);
    if (report === null) continue;
    const info = await readBatchInfo(openStore(storeUriOf(report.output))).catch(() => null);
    const own = info?.batch_id === batchId ? info : null;
    found.push({
      ...report,
      priority: own === null ? 'normal' : priorityAt(own.spec, Date.now()),
      created_at: own?.created_at ?? startedAt,
    });
  }
  return found.map((batch) => ({ ...batch, ahead: itemsAhead(batch, found) }));
}

/** Null for one whose directory is gone, or that was removed since it was listed: there is nothing to tell. */
async function reportOf(client: Client, batchId: string): Promise<BatchReport | null> {
  try {
    return await reportOfBatch(new BatchHandle(client, batchId));
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'BATCH_NOT_FOUND') return null;
    throw error;
  }
}

type Queued = Pick<BatchStanding, 'batch_id' | 'status' | 'flow' | 'mode' | 'priority' | 'running' | 'pending'>;

/**
 * How many items of others are done before all of a batch are: those of more urgent ones, and of those as urgent as
 * many as it has itself, because they take turns. Null if it does not run. What is paused holds up nobody.
 */
export function itemsAhead(batch: Queued, others: readonly Queued[]): number | null {
  if (batch.status !== 'running') return null;
  const left = ({ running, pending }: Queued): number => running + pending;
  const key = priorityKey(batch.priority);
  return others
    .filter(({ status, flow, mode }) => status === 'running' && flow === batch.flow && mode === batch.mode)
    .filter((other) => other.batch_id !== batch.batch_id && priorityKey(other.priority) <= key)
    .reduce((sum, other) => {
      const takeTurns = priorityKey(other.priority) === key;
      return sum + (takeTurns ? Math.min(left(other), left(batch)) : left(other));
    }, 0);
}

async function lookAt(endpoint: GpuEndpointConfig): Promise<GpuStanding> {
  const { name, classes } = endpoint;
  const same = { name, url: withoutCredentials(endpoint.url), classes };
  try {
    const { device, vramTotalBytes, prompts } = await lookAtGpu(endpoint);
    const detail = `${device}, ${String(Math.round(vramTotalBytes / 2 ** 30))} GiB`;
    const running = prompts === null ? null : Math.min(1, prompts);
    const waiting = prompts === null ? null : Math.max(0, prompts - 1);
    return { ...same, alive: true, detail, running, waiting };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { ...same, alive: false, detail, running: null, waiting: null };
  }
}
