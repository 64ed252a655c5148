import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { answerQuestion } from '../../client/answer.ts';
import { newWebhookSecret } from '../../client/webhook-secret.ts';
import { Webhooks } from '../../client/webhooks.ts';
import type { Delivery } from '../../domain/events.ts';
import type { Flow } from '../../domain/flow.ts';
import { eventsWorkflowId } from '../../domain/ids.ts';
import { eventually } from '../support/eventually.ts';
import { startReceiver, verify, type Receiver } from '../support/receiver.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: openRig, space } = useNamespace();
const secret = newWebhookSecret();
process.env['SLUICE_TEST_WEBHOOK_SECRET'] = secret;
let receiver: Receiver;
let second: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
  second = await startReceiver();
});
afterEach(async () => {
  await Promise.all([receiver.close(), second.close()]);
});
afterAll(() => {
  delete process.env['SLUICE_TEST_WEBHOOK_SECRET'];
});

const webhooks = (): Webhooks => new Webhooks(space().client, space().directory);

/** Configures targets that only batches of this test name. */
function configure(...targets: Record<string, unknown>[]): string[] {
  const entries = targets.map((target) => ({
    batches: 'named',
    secret: '${env:SLUICE_TEST_WEBHOOK_SECRET}',
    ...target,
  }));
  mkdirSync(space().directory, { recursive: true });
  writeFileSync(join(space().directory, 'config.yaml'), JSON.stringify({ webhooks: entries }));
  return targets.map(({ name }) => String(name));
}

async function log(rig: Rig): Promise<Delivery[]> {
  return Array.fromAsync(webhooks().deliveries(rig.batchId));
}

function eventsClosed(rig: Rig): Promise<unknown> {
  return space().client.workflow.getHandle(eventsWorkflowId(rig.batchId)).result();
}

test('a batch tells its targets what becomes of it, in order and signed', async () => {
  const rig = await openRig({ faults: { rules: [{ prompt: 'bad', fault: 'safety' }] } });
  const names = configure({
    name: 'all',
    url: receiver.url,
    events: ['batch.started', 'batch.paused', 'batch.resumed', 'batch.completed', 'item.succeeded', 'item.failed'],
  });
  await rig.submit(rows(3, { 2: 'bad' }), { spec: { webhooks: names, limits: { concurrency: 1 } } });
  await rig.batch.signal('pause');
  await rig.until(({ pause }) => pause !== null);
  await rig.batch.signal('resume');
  await rig.summary();
  expect(await eventsClosed(rig)).toMatchObject({ failed: 0, lastError: null });

  const types = receiver.types();
  expect(types[0]).toBe('batch.started');
  expect(types.at(-1)).toBe('batch.completed');
  expect(types.filter((type) => type === 'item.succeeded')).toHaveLength(2);
  expect(types.filter((type) => type === 'item.failed')).toHaveLength(1);
  expect(types.indexOf('batch.paused')).toBeLessThan(types.indexOf('batch.resumed'));
  for (const each of receiver.received) verify(secret, each);
  expect(new Set(receiver.received.map(({ body }) => body.id)).size).toBe(receiver.received.length);
  expect(receiver.received.every(({ headers, body }) => headers['webhook-id'] === body.id)).toBe(true);

  const failed = receiver.received.find(({ body }) => body.type === 'item.failed')!.body;
  expect(failed).toMatchObject({
    specversion: '1.0',
    source: `/batches/${rig.batchId}`,
    subject: 'a2',
    data: { batch_id: rig.batchId, error_code: 'CONTENT_BLOCKED', status: 'failed' },
  });
  const completed = receiver.received.at(-1)!.body;
  expect(completed.data).toMatchObject({ status: 'failed', counts: { succeeded: 2, failed: 1 } });
  expect((await log(rig)).every(({ status }) => status === 'delivered')).toBe(true);
});

test('what pauses a batch by itself is told as an escalation', async () => {
  const rig = await openRig({ faults: { rules: [{ prompt: 'bad', fault: 'safety' }] } });
  const names = configure({ name: 'people', url: receiver.url });
  await rig.submit(rows(3, { 1: 'bad' }), {
    spec: { webhooks: names, limits: { concurrency: 1, toleratedFailure: { count: 0 } } },
  });
  await rig.untilPaused();
  await eventually(() => receiver.types().includes('batch.paused'));

  expect(receiver.types()).toEqual(['batch.started', 'batch.escalated', 'batch.paused']);
  expect(receiver.received.at(-1)!.body.data).toMatchObject({ kind: 'tolerated_failure', action: expect.any(String) });
});

test('a receiver that is down holds up neither batch nor others, and gets everything in order when it is back', async () => {
  const rig = await openRig();
  const events = ['batch.started', 'batch.completed', 'item.succeeded'];
  const names = configure({ name: 'down', url: receiver.url, events }, { name: 'up', url: second.url, events });
  receiver.answer(503);
  await rig.submit(rows(3), { spec: { webhooks: names } });
  expect((await rig.summary()).status).toBe('succeeded');
  await eventually(() => second.types().includes('batch.completed'));
  await eventually(() => receiver.received.length >= 3);
  expect(new Set(receiver.received.map(({ body }) => body.type))).toEqual(new Set(['batch.started']));
  receiver.answer(null);
  const before = receiver.received.length;
  await eventually(() => receiver.received.length > before);
  receiver.answer(204);
  await eventsClosed(rig);

  expect(receiver.types()).toEqual(second.types());
  const statuses = (await log(rig)).filter(({ target }) => target === 'down').map(({ status }) => status);
  expect(statuses[0]).toBe('retrying');
  expect(statuses.slice(-5)).toEqual(Array(5).fill('delivered'));
});

test('an event that cannot be delivered is given up, stays in the log, and is sent again on request', async () => {
  const rig = await openRig();
  const names = configure({
    name: 'gone',
    url: receiver.url,
    events: ['item.succeeded', 'batch.completed'],
    give_up_after_hours: 0,
  });
  receiver.answer(500);
  await rig.submit(rows(2), { spec: { webhooks: names } });
  await rig.summary();
  expect(await eventsClosed(rig)).toMatchObject({ delivered: 0, failed: 3, lastError: 'It answered 500.' });
  const ids = receiver.received.map(({ body }) => body.id);
  receiver.answer(204);

  expect(await webhooks().redeliver(rig.batchId)).toEqual({ events: 3 });
  await eventsClosed(rig);
  expect(receiver.received.slice(3).map(({ body }) => body.id)).toEqual(ids);
  for (const each of receiver.received) verify(secret, each);
  await expect(webhooks().redeliver(rig.batchId)).rejects.toMatchObject({ code: 'NOTHING_TO_RETRY' });

  // One that was delivered, by its id: made anew from its result.
  expect(await webhooks().redeliver(rig.batchId, { eventId: ids[0] })).toEqual({ events: 1 });
  await eventsClosed(rig);
  expect(receiver.received.at(-1)!.text).toBe(receiver.received[0]!.text);
});

test('an item that waits for a person is told of once, and again when it asks anew', async () => {
  const rig = await openRig();
  const names = configure({ name: 'desk', url: receiver.url, events: ['item.waiting', 'item.succeeded'] });
  const ask = (id: string) => ({
    id,
    uses: 'approve' as const,
    with: { question: 'Good?', text: '{{ item.prompt }}' },
  });
  const flow: Flow = { name: 'ask', steps: [ask('first'), ask('second')] };
  await rig.submit(rows(1), { flow, spec: { webhooks: names, interactive: true } });
  for (const waiting of [1, 2]) {
    await eventually(() => receiver.types().length === waiting);
    await answerQuestion(space().client, { batchId: rig.batchId, itemId: 'a1' }, { decision: 'approve' });
  }
  await rig.summary();
  await eventsClosed(rig);

  expect(receiver.types()).toEqual(['item.waiting', 'item.waiting', 'item.succeeded']);
  expect(receiver.received[0]!.body).toMatchObject({ subject: 'a1', data: { item_id: 'a1', counts: { waiting: 1 } } });
});

test('a worker that stops in between loses no event', async () => {
  const rig = await openRig();
  const names = configure({ name: 'patient', url: receiver.url, events: ['item.succeeded', 'batch.completed'] });
  receiver.answer(503);
  await rig.submit(rows(4), { spec: { webhooks: names } });
  await rig.summary();
  await space().stopWorkers();
  receiver.answer(204);
  await space().startWorkers();
  await eventsClosed(rig);

  expect(receiver.types()).toEqual([...Array<string>(4).fill('item.succeeded'), 'batch.completed']);
});

test('a batch that continues as new tells each thing once', async () => {
  const rig = await openRig();
  const names = configure({
    name: 'once',
    url: receiver.url,
    events: ['batch.started', 'item.succeeded', 'batch.completed'],
  });
  await rig.submit(rows(12), { spec: { webhooks: names, limits: { concurrency: 2 } }, maxHistoryEvents: 60 });
  await rig.summary();
  await eventsClosed(rig);

  expect(await rig.runs()).toBeGreaterThan(1);
  expect(receiver.types()).toEqual(['batch.started', ...Array<string>(12).fill('item.succeeded'), 'batch.completed']);
  expect(new Set(receiver.received.map(({ body }) => body.subject)).size).toBe(13);
});

test('a batch without targets starts nothing to tell of it', async () => {
  const rig = await openRig();
  configure({ name: 'named-only', url: receiver.url });
  await rig.submit(rows(1));
  await rig.summary();

  await expect(eventsClosed(rig)).rejects.toThrow(/not found/i);
  expect(readdirSync(rig.output)).not.toContain('events');
});

test('an address that a batch brings may not lie in the inside network, and no secret is in a history', async () => {
  const rig = await openRig();
  await expect(rig.submit(rows(1), { spec: { webhooks: [receiver.url] } })).rejects.toMatchObject({ code: 'USAGE' });
  await expect(rig.submit(rows(1), { spec: { webhooks: ['nobody'] } })).rejects.toMatchObject({ code: 'USAGE' });
  const names = configure({ name: 'quiet', url: `${receiver.url}?token=hidden` });
  await rig.submit(rows(1), { spec: { webhooks: names } });
  await rig.summary();
  await eventsClosed(rig);

  const histories = await Promise.all(
    [rig.batchId, eventsWorkflowId(rig.batchId)].map((id) => space().client.workflow.getHandle(id).fetchHistory()),
  );
  const text = JSON.stringify(histories).replace(/"data":"([^"]*)"/g, (_, data: string) =>
    Buffer.from(data, 'base64').toString('utf8'),
  );
  expect(text).toContain('quiet');
  expect(text).not.toMatch(/hidden|whsec_/);
  expect(JSON.stringify(await log(rig))).not.toMatch(/hidden|whsec_/);
});

test('a test says whether it arrived; a redirect is not followed', async () => {
  configure({ name: 'studio', url: receiver.url });
  expect(await webhooks().test('studio')).toBeNull();
  verify(secret, receiver.received[0]!);
  expect(receiver.received[0]!.body.type).toBe('webhook.test');
  receiver.answer(302);
  expect(await webhooks().test('studio')).toContain('redirects');
  expect(receiver.received).toHaveLength(2);
  expect(await webhooks().test('http://127.0.0.1:9/x')).toContain('HOST_NOT_ALLOWED');
  // What a receiver says besides its status is its own affair.
  receiver.answer('endless');
  expect(await webhooks().test('studio')).toBeNull();
});
