import { CloudEvent, HTTP } from 'cloudevents';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Served, type Answer } from './served.ts';

let served: Served;
beforeAll(async () => {
  served = await Served.start();
});
afterAll(async () => {
  await served.dispose();
});

const event = (id: string, prompt: string, type = 'sluice.batch.create') =>
  new CloudEvent({ id, source: '/orders/shop', type, data: { items: [{ id: 'a', prompt }] } });

function send(mode: 'binary' | 'structured', sent: CloudEvent<unknown>): Promise<Answer> {
  const { headers, body } = HTTP[mode](sent);
  return served.ask('/events', { method: 'POST', headers: headers as Record<string, string>, body: body as string });
}

test.each(['binary', 'structured'] as const)('an event in %s mode starts a batch, once', async (mode) => {
  const first = await send(mode, event(`once-${mode}`, 'a cat'));
  expect(first).toMatchObject({ status: 201, json: { total: 1 } });
  const again = await send(mode, event(`once-${mode}`, 'a cat'));
  expect(again.json.batch_id).toBe(first.json.batch_id);
  expect((await send(mode, event(`other-${mode}`, 'a cat'))).json.batch_id).not.toBe(first.json.batch_id);
});

test('what came in one mode is the same event in the other', async () => {
  const first = await send('binary', event('both', 'a cat'));
  expect((await send('structured', event('both', 'a cat'))).json.batch_id).toBe(first.json.batch_id);
});

test('an event that is none, asks for something else or holds nothing starts nothing', async () => {
  const bare = await served.post('/events', { items: [{ id: 'a', prompt: 'a cat' }] });
  expect(bare).toMatchObject({ status: 400, json: { code: 'USAGE' } });
  const other = await send('binary', event('strange', 'a cat', 'shop.order.placed'));
  expect(other).toMatchObject({ status: 400, json: { code: 'USAGE' } });
  const empty = await send('binary', new CloudEvent({ id: 'x', source: '/s', type: 'sluice.batch.create', data: {} }));
  expect(empty.status).toBe(400);
});
