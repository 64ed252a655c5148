import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';
import { targetsOf } from '../domain/event-config.ts';
import {
  deliveryPrefix,
  rowEvent,
  rowEventId,
  type Delivery,
  type EventTarget,
  type EventParcel,
  type SingleEvent,
} from '../domain/events.ts';
import { coreTaskQueue, eventsWorkflowId } from '../domain/ids.ts';
import { openStore } from '../storage/open-store.ts';
import { readRows } from '../storage/results-scan.ts';
import type { Store } from '../storage/store.ts';
import { BatchHandle } from './batch-handle.ts';
import { readBatchInfo } from './batch-info.ts';
import { explain, notFound } from './errors.ts';
import { eventsOf, readEventConfig } from './event-targets.ts';
import type { EventsResult } from '../workflows/events.ts';

export interface DeliveriesOptions {
  /** Only of this target. */
  target?: string | undefined;
  /** Only with this status. */
  status?: Delivery['status'] | undefined;
}

/** Which events are sent again. */
export interface RedeliverOptions {
  /** This one, also if it was delivered. @default all that were given up */
  eventId?: string | undefined;
  /** Only to this target. @default all they failed at */
  target?: string | undefined;
}

/** The delivery log of batches, and sending again what it has. */
export class Webhooks {
  private readonly client: Client;
  private readonly home: string;

  constructor(client: Client, home: string) {
    this.client = client;
    this.home = home;
  }

  /** Attempts to deliver a batch's events, in order for each target. */
  async *deliveries(batchId: string, options: DeliveriesOptions = {}): AsyncGenerator<Delivery> {
    const { target, status } = options;
    for await (const delivery of readDeliveries(await this.storeOf(batchId))) {
      if (target !== undefined && delivery.target !== target) continue;
      if (status === undefined || delivery.status === status) yield delivery;
    }
  }

  /**
   * Sends events again, with their ids, behind what is still to be delivered.
   * @returns how many
   * @throws SluiceError NOTHING_TO_RETRY
   */
  async redeliver(batchId: string, options: RedeliverOptions = {}): Promise<{ events: number }> {
    const store = await this.storeOf(batchId);
    const info = await readBatchInfo(store);
    const { events } = info === null ? {} : eventsOf(this.home, info.spec);
    const targets = (events?.targets ?? []).filter(
      ({ name }) => options.target === undefined || name === options.target,
    );
    const names = new Set(targets.map(({ name }) => name));
    const latest = new Map<string, Delivery>();
    for await (const delivery of readDeliveries(store)) {
      const { event_id: id, target } = delivery;
      const wanted = options.eventId === undefined || options.eventId === id;
      if (wanted && names.has(target)) {
        const event = delivery.event ?? latest.get(`${target}\n${id}`)?.event;
        latest.set(`${target}\n${id}`, { ...delivery, ...(event === undefined ? {} : { event }) });
      }
    }
    const again: SingleEvent[] = [];
    for (const delivery of latest.values()) {
      if (options.eventId === undefined && delivery.status !== 'failed') continue;
      const event = await eventOf(store, batchId, delivery);
      if (event !== null) again.push({ ...event, sentFromMs: Date.now(), only: [delivery.target] });
    }
    if (again.length === 0) throw new SluiceError('NOTHING_TO_RETRY', `No event of ${batchId} matches.`);
    await this.send(eventsWorkflowId(batchId), { batchId, storeUri: store.uri, targets, entries: again });
    return { events: again.length };
  }

  /**
   * Sends a test to a target of the configuration, or to an address, once, and waits for the answer.
   * @returns null, or why it did not arrive
   */
  async test(target: string): Promise<string | null> {
    const { targets, unknown } = targetsOf(readEventConfig(this.home), [target]);
    const chosen = targets.find(({ name, url }) => name === target || url === target);
    if (unknown.length > 0 || chosen === undefined) {
      throw new SluiceError('USAGE', `There is no target "${target}" in the configuration.`);
    }
    const id = `webhook-test-${randomUUID()}`;
    const event: SingleEvent = {
      kind: 'event',
      id,
      type: 'webhook.test',
      subject: null,
      atMs: Date.now(),
      data: { message: 'A test of Sluice.' },
      only: [chosen.name],
      once: true,
    };
    await this.send(id, { batchId: id, storeUri: '', targets: [chosen], entries: [event] });
    const { lastError } = (await this.client.workflow.getHandle(id).result()) as EventsResult;
    return lastError;
  }

  private async send(
    workflowId: string,
    order: { batchId: string; storeUri: string; targets: readonly EventTarget[]; entries: SingleEvent[] },
  ): Promise<void> {
    const { batchId, storeUri, targets, entries } = order;
    // What is sent while the batch runs does not end the telling of it.
    const last = (await new BatchHandle(this.client, batchId).find())?.state !== 'running';
    const parcel: EventParcel = { targets, sender: randomUUID(), first: 0, entries, last };
    try {
      await this.client.workflow.signalWithStart('eventsWorkflow', {
        workflowId,
        taskQueue: coreTaskQueue,
        args: [{ batchId, storeUri, targets }],
        signal: 'deliver',
        signalArgs: [parcel],
      });
    } catch (error) {
      throw explain(error, batchId);
    }
  }

  private async storeOf(batchId: string): Promise<Store> {
    const found = await new BatchHandle(this.client, batchId).find();
    if (typeof found?.storeUri !== 'string') throw notFound(batchId);
    return openStore(found.storeUri);
  }
}

async function* readDeliveries(store: Store): AsyncGenerator<Delivery> {
  for await (const { key } of store.list(deliveryPrefix)) {
    const text = (await store.get(key))?.toString('utf8') ?? '';
    for (const line of text.split('\n')) if (line !== '') yield JSON.parse(line) as Delivery;
  }
}

/** What was sent, from the log or made anew from its result. */
async function eventOf(store: Store, batchId: string, { event, event_id: id }: Delivery): Promise<SingleEvent | null> {
  if (event !== undefined) {
    const { type, subject, time, data } = event;
    return { kind: 'event', id, type, subject: subject ?? null, atMs: Date.parse(time), data };
  }
  const sequence = Number(/_row_(\d+)$/.exec(id)?.[1] ?? -1);
  if (rowEventId(batchId, sequence) !== id) return null;
  for await (const { row, sequence: at } of readRows(store, sequence)) {
    if (at === sequence) return row === null ? null : rowEvent(batchId, row, sequence);
  }
  return null;
}
