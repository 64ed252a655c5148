import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsIn, Served } from './served.ts';

let served: Served;
beforeAll(async () => {
  served = await Served.start();
});
afterAll(() => served.dispose());

const cats = [
  { id: 'a', prompt: 'a cat' },
  { id: 'b', prompt: 'another cat' },
];

test('a batch of inline items runs; its status, jobs, results, report and files can be read', async () => {
  const created = await served.post('/batches', { items: [...cats, { id: 'c', prompt: 'x', seed: 'many' }] });
  expect(created).toMatchObject({ status: 201, json: { status: 'running', total: 2, rejected: 1, mode: 'emulated' } });
  const id = created.json.batch_id;

  const events = eventsIn((await served.ask(`/batches/${id}/events?from=0`)).text);
  expect(events.at(-1)?.event).toBe('end');
  const results = events.filter(({ event }) => event === 'result');
  expect(results.map((event) => event.id)).toEqual(['0', '1']);

  expect((await served.ask(`/batches/${id}`)).json).toMatchObject({ status: 'succeeded', succeeded: 2, rejected: 1 });
  const first = await served.ask(`/batches/${id}/jobs?limit=1`);
  const second = await served.ask(`/batches/${id}/jobs?limit=1&cursor=${String(first.json.next)}`);
  expect([...first.json.data, ...second.json.data].map((job) => job.request_id).sort()).toEqual(['a', 'b']);
  expect(second.json.next).toBeNull();
  for (const list of ['/batches', `/batches/${id}/jobs`, `/batches/${id}/items`, `/batches/${id}/artifacts`])
    expect((await served.ask(`${list}?cursor=none`)).json, list).toMatchObject({ status: 400, code: 'USAGE' });
  expect((await served.ask(`/batches/${id}/jobs/a`)).json).toMatchObject({ status: 'succeeded' });
  expect((await served.ask(`/batches/${id}/jobs/nobody`)).json).toMatchObject({ code: 'ITEM_NOT_FOUND' });
  const found = await served.ask(`/batches/${id}/items?q=ANOTHER`);
  expect(found.json).toMatchObject({ data: [{ item_id: 'b', index: 1, prompt: 'another cat' }], next: null });
  const firstItem = await served.ask(`/batches/${id}/items?q=cat&limit=1`);
  expect(firstItem.json.next).toBe('1');
  expect((await served.ask(`/batches/${id}/items?q=cat&limit=1&cursor=1`)).json).toEqual(found.json);
  expect((await served.ask(`/batches/${id}/report`)).text).toContain(`# Report of batch ${id}`);
  const csv = (await served.ask(`/batches/${id}/results?format=csv`)).text.trim().split('\n');
  expect(csv[0]).toMatch(/^request_id,/);
  expect(csv).toHaveLength(3);
  const files = await served.ask(`/batches/${id}/artifacts?prefix=images/`);
  expect(files.json.data.map(({ key }) => key)).toEqual(['images/a.png', 'images/b.png']);

  const picture = `/batches/${id}/artifacts/images/a.png`;
  const small = await served.ask(`${picture}?width=200`);
  expect(small.headers.get('content-type')).toBe('image/webp');
  expect(small.headers.get('cache-control')).toBe('private, no-cache');
  const etag = small.headers.get('etag') ?? '';
  const again = { headers: { 'if-none-match': etag } };
  expect(await served.ask(`${picture}?width=200&v=1`, again)).toMatchObject({ status: 304, text: '' });
  expect((await served.ask(`${picture}?width=200&v=1`)).headers.get('cache-control')).toBe('private, max-age=3600');
  expect((await served.ask(`${picture}?width=400`, again)).status).toBe(200);
  expect((await served.ask(picture)).headers.get('content-type')).toBe('image/png');
  expect(await served.ask(`${picture}?width=201`)).toMatchObject({ status: 400, json: { code: 'USAGE' } });

  const review = { decision: 'approve', note: 'the first' };
  expect(await served.post(`/batches/${id}/jobs/a/review`, review)).toMatchObject({ status: 200 });
  expect((await served.ask(`/batches/${id}/reviews`)).json.data).toMatchObject([{ item_id: 'a', ...review }]);
  expect(await served.post(`/batches/${id}/jobs/c/review`, review)).toMatchObject({ status: 404 });
});

test('an uploaded file is a batch, with options as fields before it', async () => {
  const form = new FormData();
  form.set('project', 'dogs');
  form.set('concurrency', '3');
  form.set('file', new Blob(['id,prompt\nd,a dog\n']), 'dogs.csv');
  const created = await served.ask('/batches', { method: 'POST', body: form });
  expect(created).toMatchObject({ status: 201, json: { total: 1 } });
  const status = await served.ask(`/batches/${created.json.batch_id}`);
  expect(status.json).toMatchObject({ project: 'dogs', limits: { concurrency: 3 } });
});

test('a batch is paused, its limits changed, gone on with, and cancelled', async () => {
  const items = Array.from({ length: 40 }, (_, place) => ({ prompt: `picture ${String(place)}` }));
  const created = await served.post('/batches', { items, rate_limit: 1 });
  const path = `/batches/${created.json.batch_id}`;
  expect(await served.post(`${path}/pause`, {})).toMatchObject({ status: 202 });
  expect((await served.ask(path)).json).toMatchObject({ status: 'paused', pause: { kind: 'user' } });
  const last = { request_id: 'item-000040', index: 39, label: 'item-000040' };
  expect((await served.ask(`${path}/jobs/item-000040`)).json).toMatchObject({ ...last, status: 'pending' });
  expect(await served.ask(`${path}/jobs/item-000041`)).toMatchObject({ status: 404 });
  const limits = await served.ask(`${path}/limits`, {
    method: 'PATCH',
    body: '{"concurrency":2}',
    headers: { 'content-type': 'application/json' },
  });
  expect(limits.json).toMatchObject({ concurrency: 2, rate_limit: 1 });
  await served.post(`${path}/resume`, { budget_usd: 1 });
  expect((await served.ask(`${path}/limits`)).json).toMatchObject({ budget_usd: 1 });
  // Clients name the type of a body that they do not send, too.
  const headers = { 'content-type': 'application/json' };
  expect(await served.ask(path, { method: 'DELETE', headers })).toMatchObject({ status: 202 });
  await served.ask(`${path}/events`);
  expect((await served.ask(path)).json).toMatchObject({ status: 'cancelled' });
  expect((await served.ask(`${path}/jobs/item-000040`)).json).toMatchObject({ ...last, status: 'cancelled' });
});

test('what is asked for wrongly is answered with a problem that names the field and what to do', async () => {
  expect(await served.post('/batches', { items: cats, concurrency: 500 })).toMatchObject({
    status: 400,
    json: { code: 'USAGE', errors: [{ field: 'concurrency' }] },
  });
  expect(await served.ask('/batches/nothing')).toMatchObject({ status: 404, json: { code: 'BATCH_NOT_FOUND' } });
  expect(await served.ask('/nowhere')).toMatchObject({ status: 404, json: { code: 'ROUTE_NOT_FOUND' } });
  expect(await served.post('/batches', { items: cats, output: '../elsewhere' })).toMatchObject({
    status: 422,
    json: { code: 'OUTPUT_OUTSIDE' },
  });
});
