import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { SluiceError } from '../domain/errors.ts';
import {
  deliveryPrefix,
  eventBody,
  rowEvent,
  rowEventId,
  type Delivery,
  type EventTarget,
  type RowEvents,
  type SingleEvent,
} from '../domain/events.ts';
import { partKey } from '../domain/part-key.ts';
import { resultRowSchema } from '../domain/result.ts';
import { sendEvent } from '../providers/events/send.ts';
import type { ResolvedTarget } from '../providers/events/target.ts';
import type { Store } from '../storage/store.ts';
import type { DeliverEventsInput, DeliverEventsResult } from './types.ts';

export interface DeliverEventsDeps {
  resolveTarget: (target: EventTarget) => ResolvedTarget;
  openStore: (uri: string) => Store;
  /** Waits after the first, second, … attempt in vain; the last one holds from there on. */
  retryDelaysMs?: readonly number[] | undefined;
}

/** About a dozen attempts an hour at first, one an hour later: a day of them by default. */
const defaultDelaysMs = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000, 3_600_000];
/** A call ends after this, so that a target with much before it shows how far it is. */
const longestCallMs = 20_000;

/** One event on its way, and how far the call is once it is done. */
interface Step {
  entries: number;
  row: number;
  event: SingleEvent | null;
  /** In the place of an event that cannot be made any more. */
  lost?: { id: string; error: string };
}

/**
 * Sends events to one target in order, until one fails, all are sent, or the time is up. One that fails is tried
 * again later, or given up when it is too old. Everything that was tried is a line of the delivery log.
 *
 * A worker that dies in between sends some of them twice, with the same `webhook-id`.
 */
export async function deliverEvents(deps: DeliverEventsDeps, input: DeliverEventsInput): Promise<DeliverEventsResult> {
  // A test belongs to no batch, as does a run of a schedule that could not start: they are in no log.
  const store = input.storeUri === '' ? null : deps.openStore(input.storeUri);
  const delays = deps.retryDelaysMs ?? defaultDelaysMs;
  const log: Delivery[] = [];
  const result: DeliverEventsResult = {
    entries: 0,
    row: input.row,
    delivered: 0,
    failed: 0,
    retryInMs: null,
    attempts: 0,
    error: null,
  };
  let attempt = input.attempt;
  const untilMs = Date.now() + longestCallMs;
  for await (const step of stepsOf(store, input)) {
    heartbeat();
    if (step.lost !== undefined) {
      log.push(lostDelivery(input.target, step.lost));
      result.failed += 1;
    } else if (step.event !== null && isWanted(step.event, input.target)) {
      const { delivery, giveUp } = await tryOnce(deps, input, step.event);
      result.error = delivery.error ?? result.error;
      if (delivery.status !== 'delivered' && !giveUp) {
        log.push({ ...delivery, status: 'retrying' });
        result.retryInMs = delays[Math.min(attempt, delays.length) - 1] ?? 0;
        result.attempts = attempt;
        break;
      }
      log.push(delivery);
      if (delivery.status === 'delivered') result.delivered += 1;
      else result.failed += 1;
    }
    attempt = 1;
    result.entries = step.entries;
    result.row = step.row;
    if (Date.now() > untilMs) break;
  }
  if (store !== null && log.length > 0) {
    const lines = log.map((delivery) => `${JSON.stringify(delivery)}\n`).join('');
    await store.put(`${deliveryPrefix}${input.target.name}/${input.log}.jsonl`, lines);
  }
  return result;
}

function isWanted({ type, only }: SingleEvent, { name, events }: EventTarget): boolean {
  return only === undefined ? events.some((wanted) => wanted === type) : only.includes(name);
}

async function* stepsOf(store: Store | null, { batchId, entries, row }: DeliverEventsInput): AsyncGenerator<Step> {
  for (const [place, entry] of entries.entries()) {
    if (entry.kind === 'event') yield { entries: place + 1, row: 0, event: entry };
    else if (store !== null) yield* rowSteps(store, batchId, entry, place, place === 0 ? row : 0);
  }
}

/** @param done rows of the entry that are done */
async function* rowSteps(
  store: Store,
  batchId: string,
  entry: RowEvents,
  place: number,
  done: number,
): AsyncGenerator<Step> {
  let read = 0;
  const after = (): { entries: number; row: number } =>
    read === entry.rows ? { entries: place + 1, row: 0 } : { entries: place, row: read };
  for (let part = entry.fromPart; part < entry.toPart && read < entry.rows; part += 1) {
    const bytes = await store.get(partKey('results', part));
    if (bytes === null) break;
    for (const line of bytes.toString('utf8').trimEnd().split('\n')) {
      const sequence = entry.firstRow + read;
      read += 1;
      if (read <= done) continue;
      const parsed = resultRowSchema.safeParse(parseJson(line));
      if (parsed.success) yield { ...after(), event: rowEvent(batchId, parsed.data, sequence) };
      else
        yield { ...after(), event: null, lost: { id: rowEventId(batchId, sequence), error: 'Its result is damaged.' } };
    }
  }
  if (read >= entry.rows) return;
  const error = `${String(entry.rows - read)} results are gone from storage.`;
  const id = rowEventId(batchId, entry.firstRow + read);
  read = entry.rows;
  yield { ...after(), event: null, lost: { id, error } };
}

async function tryOnce(
  { resolveTarget }: DeliverEventsDeps,
  { batchId, target }: DeliverEventsInput,
  event: SingleEvent,
): Promise<{ delivery: Delivery; giveUp: boolean }> {
  const body = eventBody(batchId, event);
  const atMs = Date.now();
  let giveUpAfterMs = 86_400_000;
  let httpStatus: number | null = null;
  let error: string | null = null;
  try {
    const resolved = resolveTarget(target);
    ({ giveUpAfterMs } = resolved);
    ({ httpStatus } = await sendEvent(resolved, body, cancellationSignal()));
    if (httpStatus !== null && (httpStatus < 200 || httpStatus > 299)) error = `It answered ${String(httpStatus)}.`;
  } catch (thrown) {
    // The order to stop is none of the receiver's answers.
    if (!(thrown instanceof SluiceError)) throw thrown;
    error = `${thrown.message} (${thrown.code})`;
  }
  const givenUp =
    event.once === true || httpStatus === gone || atMs - (event.sentFromMs ?? event.atMs) >= giveUpAfterMs;
  // Of an item that has ended, its result can be asked.
  const keepsBody = error !== null || (event.type !== 'item.succeeded' && event.type !== 'item.failed');
  const delivery: Delivery = {
    event_id: event.id,
    type: event.type,
    target: target.name,
    status: error === null ? 'delivered' : 'failed',
    http_status: httpStatus,
    error,
    at: new Date(atMs).toISOString(),
    duration_ms: Date.now() - atMs,
    ...(keepsBody ? { event: body } : {}),
  };
  return { delivery, giveUp: givenUp };
}

/** The receiver wants no more of it. */
const gone = 410;

function lostDelivery({ name }: EventTarget, { id, error }: { id: string; error: string }): Delivery {
  return {
    event_id: id,
    type: 'item',
    target: name,
    status: 'failed',
    http_status: null,
    error,
    at: new Date().toISOString(),
    duration_ms: 0,
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
