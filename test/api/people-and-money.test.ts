import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { Served } from './served.ts';

let served: Served;
let receiver: Receiver;
beforeAll(async () => {
  served = await Served.start();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await served.dispose();
});

const patch = (path: string, body: object) =>
  served.ask(path, { method: 'PATCH', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

test('what was spent can be read by project, and a budget set', async () => {
  const id = await served.run([{ prompt: 'a cat' }], { project: 'cats' });
  expect((await served.ask(`/batches/${id}`)).json).toMatchObject({ status: 'succeeded' });
  const costs = await served.ask('/costs?by=project');
  expect(costs.json).toMatchObject({ by: 'project', rows: [{ key: 'cats', mode: 'emulated', calls: 1 }] });
  const budgets = await patch('/budgets', { day_usd: 5, project: { name: 'cats', total_usd: 100 } });
  expect(budgets.json['live']).toContainEqual(expect.objectContaining({ project: 'cats', limit_usd: 100 }));
  expect((await served.ask('/budgets')).json).toEqual(budgets.json);
  expect(await served.ask('/costs?since=yesterday')).toMatchObject({ status: 400, json: { code: 'USAGE' } });
});

test('nobody asks anything where no item waits, and an answer to nothing is refused', async () => {
  expect((await served.ask('/inbox')).json).toEqual({ data: [] });
  const id = await served.run([{ id: 'a', prompt: 'a dog' }]);
  const refused = await served.post(`/batches/${id}/jobs/a/answer`, { decision: 'approve' });
  expect(refused).toMatchObject({ status: 404, json: { code: 'QUESTION_NOT_FOUND' } });
  expect(await served.post(`/batches/${id}/jobs/a/answer`, { decision: 'perhaps' })).toMatchObject({ status: 400 });
});

test('a batch tells whom it names; the log is read page by page, and what was given up is sent again', async () => {
  const target = { name: 'studio', url: receiver.url, batches: 'named', give_up_after_hours: 0 };
  const webhooks = [{ ...target, events: ['item.succeeded', 'batch.completed'] }];
  writeFileSync(join(served.sandbox.home, 'config.yaml'), JSON.stringify({ webhooks }));
  expect((await served.ask('/webhooks')).text).not.toContain(receiver.url);
  expect(await served.post('/webhooks/studio/test', {})).toMatchObject({ status: 200, json: { delivered: true } });
  expect(await served.post('/webhooks/nobody/test', {})).toMatchObject({ status: 400, json: { code: 'USAGE' } });
  for (const wrong of ['nobody', receiver.url]) {
    const refused = await served.post('/batches', { items: [{ prompt: 'a cat' }], webhooks: [wrong] });
    expect(refused).toMatchObject({ status: 400, json: { code: 'USAGE' } });
  }

  receiver.answer(500);
  const id = await served.run([{ prompt: 'a cat' }, { prompt: 'a dog' }], { webhooks: ['studio'] });
  const path = `/batches/${id}/deliveries?status=failed&limit=2`;
  const last = await eventually(async () => {
    const { next } = (await served.ask(path)).json;
    return next === null ? undefined : await served.ask(`${path}&cursor=${encodeURIComponent(next)}`);
  });
  expect(last.json).toMatchObject({ data: [{ type: 'batch.completed', http_status: 500 }], next: null });
  receiver.answer(204);
  expect(await served.post(`/batches/${id}/redeliver`, {})).toMatchObject({ status: 202, json: { events: 3 } });
  await eventually(() => receiver.types().length === 4);
  expect(receiver.types()).toEqual(['webhook.test', 'item.succeeded', 'item.succeeded', 'batch.completed']);
  await eventually(async () => (await served.ask(`/batches/${id}/deliveries?status=delivered`)).json.data.length === 3);
  const again = await served.post(`/batches/${id}/redeliver`, {});
  expect(again).toMatchObject({ status: 409, json: { code: 'NOTHING_TO_RETRY' } });
  expect(await served.ask('/batches/nothing/deliveries')).toMatchObject({ status: 404 });
});
