import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { SluiceError } from '../domain/errors.ts';
import { configuredTargets, targetsOf } from '../domain/event-config.ts';
import type { EventType } from '../domain/event-types.ts';
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
  /** Only what comes behind this place of the log. @default all */
  after?: string | undefined;
}

/** A delivery and its place in the log, with which a reader can go on later. */
export interface PlacedDelivery {
  delivery: Delivery;
  place: string;
}

/** Somebody whom the configuration names; where they are stays there. */
export interface NamedTarget {
  name: string;
  type: 'webhook' | 'slack' | 'email';
  events: readonly EventType[];
  /** `named`: told only of batches that name it. */
  batches: 'all' | 'named';
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
    for await (const { delivery } of this.placedDeliveries(batchId, options)) yield delivery;
  }

  /** The same with the place of each. */
  async *placedDeliveries(batchId: string, options: DeliveriesOptions = {}): AsyncGenerator<PlacedDelivery> {
    const { target, status, after = '' } = options;
    for await (const placed of readDeliveries(await this.storeOf(batchId), after)) {
      if (target !== undefined && placed.delivery.target !== target) continue;
      if (status === undefined || placed.delivery.status === status) yield placed;
    }
  }

  /** Who may be told, by the configuration. @throws SluiceError CONFIG_INVALID */
  targets(): NamedTarget[] {
    const all = configuredTargets(readEventConfig(this.home));
    return all.map(({ name, type, events = [], batches }) => ({ name, type, events, batches }));
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
    for await (const { delivery } of readDeliveries(store)) {
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

/** Files of the log are written once, so a place in it stays what it is. */
async function* readDeliveries(store: Store, after = ''): AsyncGenerator<PlacedDelivery> {
  for await (const { key } of store.list(deliveryPrefix)) {
    if (`${key}:~` < after) continue;
    const lines = (await store.get(key))?.toString('utf8').trimEnd().split('\n') ?? [];
    for (const [number, line] of lines.entries()) {
      const place = `${key}:${String(number).padStart(6, '0')}`;
      if (line !== '' && place > after) yield { delivery: JSON.parse(line) as Delivery, place };
    }
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
