import type { EventType } from './event-types.ts';
import type { ResultRow } from './result.ts';

/** Where events of a batch go. A name of the configuration, whose address and secret stay there; or an address. */
export interface EventTarget {
  name: string;
  /** Of a target that a batch brings itself. */
  url?: string;
  events: readonly EventType[];
}

/** A batch's targets, in its workflow's input; absent where there is none. */
export interface BatchEvents {
  targets: readonly EventTarget[];
}

/** One thing that is told. */
export interface SingleEvent {
  kind: 'event';
  /** The same in every attempt and redelivery, so that a receiver can tell what it has seen. */
  id: string;
  type: string;
  /** Of what is of no batch. @default the batch */
  source?: string;
  subject: string | null;
  atMs: number;
  /** Its age counts from here. @default atMs */
  sentFromMs?: number;
  data: Record<string, unknown>;
  /** Only to these targets. @default all that want its type */
  only?: readonly string[];
  /** Given up after one attempt. */
  once?: boolean;
}

/** Results that lie in storage: an event for each row, made when it is sent, so that no history holds rows. */
export interface RowEvents {
  kind: 'rows';
  /** Parts of the results, the last one excluded. */
  fromPart: number;
  toPart: number;
  /** Sequence number of the first row of the first part. */
  firstRow: number;
  rows: number;
}

export type EventEntry = SingleEvent | RowEvents;

/** What `eventsWorkflow` is told: entries in order, numbered from `first` within a run of the batch. */
export interface EventParcel {
  targets: readonly EventTarget[];
  /** Of a run of the batch, or of an order to deliver again: entries that came before are passed over. */
  sender: string;
  first: number;
  entries: readonly EventEntry[];
  /** Nothing comes after it. */
  last: boolean;
}

/** An event as it is sent: CloudEvents 1.0, structured. @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md */
export interface CloudEventBody {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** ISO 8601, UTC. */
  time: string;
  datacontenttype: 'application/json';
  data: Record<string, unknown>;
}

export function eventBody(batchId: string, { id, type, source, subject, atMs, data }: SingleEvent): CloudEventBody {
  return {
    specversion: '1.0',
    id,
    source: source ?? `/batches/${encodeURIComponent(batchId)}`,
    type,
    ...(subject === null ? {} : { subject }),
    time: new Date(atMs).toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}

/** The event of a result row; null for one that is not told of. */
export function rowEvent(batchId: string, row: ResultRow, sequence: number): SingleEvent | null {
  if (row.status === 'cancelled') return null;
  return {
    kind: 'event',
    id: rowEventId(batchId, sequence),
    type: row.status === 'succeeded' ? 'item.succeeded' : 'item.failed',
    subject: row.request_id,
    atMs: Date.parse(row.finished_at),
    data: { batch_id: batchId, ...row },
  };
}

export function rowEventId(batchId: string, sequence: number): string {
  return `${batchId}_row_${String(sequence)}`;
}

/** One attempt to deliver an event: a line of the delivery log. Snake case because it is a file format. */
export interface Delivery {
  event_id: string;
  type: string;
  target: string;
  /** `retrying`: it is tried again; `failed`: it is given up. */
  status: 'delivered' | 'retrying' | 'failed';
  http_status: number | null;
  error: string | null;
  /** ISO 8601, UTC. */
  at: string;
  duration_ms: number;
  /** What was sent, of events that no result row can be asked for; and of those that were given up. */
  event?: CloudEventBody;
}

/** Keys of the delivery log begin with it. */
export const deliveryPrefix = 'events/';
