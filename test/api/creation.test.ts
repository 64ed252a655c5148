import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Served } from './served.ts';

let files: Server;
let origin: string;
let served: Served;
const asked: string[] = [];
beforeAll(async () => {
  files = createServer((request, reply) => {
    asked.push(request.url ?? '');
    if (request.url === '/inputs/away') reply.writeHead(302, { location: '/secret.csv' }).end();
    else if (request.url === '/inputs/here') reply.writeHead(302, { location: '/inputs/cats.csv' }).end();
    else reply.end('prompt\na cat\nanother cat\n');
  });
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${String((files.address() as AddressInfo).port)}`;
  served = await Served.start({
    SLUICE_API: JSON.stringify({ input_urls: [`${origin}/inputs/`], max_body_bytes: 4_096 }),
  });
});
afterAll(async () => {
  files.close();
  await served.dispose();
});

const key = (value: string): Record<string, string> => ({ 'idempotency-key': value });
const cats = { items: [{ id: 'a', prompt: 'a cat' }] };

test('a request sent again with its key starts nothing, also at the same time', async () => {
  const [first, second] = await Promise.all([
    served.post('/batches', cats, key('one')),
    served.post('/batches', cats, key('one')),
  ]);
  expect([first.status, second.status]).toEqual([201, 201]);
  expect(second.json.batch_id).toBe(first.json.batch_id);
  expect([first, second].map(({ headers }) => headers.get('idempotency-replayed')).sort()).toEqual([null, 'true']);
  const other = await served.post('/batches', cats, key('two'));
  expect(other.json.batch_id).not.toBe(first.json.batch_id);
});

test('another request with the same key is refused', async () => {
  await served.post('/batches', cats, key('three'));
  const other = await served.post('/batches', { items: [{ id: 'a', prompt: 'a dog' }] }, key('three'));
  expect(other).toMatchObject({ status: 422, json: { code: 'IDEMPOTENCY_MISMATCH' } });
});

test('an upload with a key is told from another one by its bytes', async () => {
  const upload = (text: string) => {
    const body = new FormData();
    body.set('file', new Blob([text]), 'birds.csv');
    return served.ask('/batches', { method: 'POST', body, headers: key('upload') });
  };
  const first = await upload('prompt\na bird\n');
  expect((await upload('prompt\na bird\n')).json.batch_id).toBe(first.json.batch_id);
  expect(await upload('prompt\na fish\n')).toMatchObject({ status: 422 });
});

test('a key that is sent again after the batch is over gives that batch', async () => {
  const first = await served.post('/batches', cats, key('late'));
  await served.ask(`/batches/${first.json.batch_id}/events`);
  const again = await served.post('/batches', cats, key('late'));
  expect(again).toMatchObject({ status: 201, json: { batch_id: first.json.batch_id, total: 1 } });
  expect(readdirSync(join(served.sandbox.home, 'uploads'))).toEqual([]);
});

test('an input is fetched from an address that is allowed, and redirects lead to nothing else', async () => {
  const created = await served.post('/batches', { url: `${origin}/inputs/here` });
  expect(created).toMatchObject({ status: 201, json: { total: 2 } });
  expect((await served.ask(`/batches/${created.json.batch_id}`)).json).toMatchObject({ source: 'here' });
  for (const url of [
    `${origin}/inputs/away`,
    `${origin}/secret.csv`,
    `${origin}/inputs/../secret.csv`,
    'http://169.254.169.254/',
  ]) {
    expect(await served.post('/batches', { url })).toMatchObject({ status: 422, json: { code: 'HOST_NOT_ALLOWED' } });
  }
  expect(asked).not.toContain('/secret.csv');
});

test('a row cannot make the service read a file of its machine', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-secret-'));
  const image = join(directory, 'secret.png');
  writeFileSync(image, 'not for others');
  const created = await served.post('/batches', {
    items: [
      { prompt: 'a' },
      { prompt: 'b', from_image: image },
      { prompt: 'c', source_image: 'tokens.yaml' },
      { prompt: 'd', from_image: 'http://169.254.169.254/latest/meta-data.png' },
      { prompt: 'e', from_image: 'http://localhost:8400/api/x.png' },
    ],
  });
  expect(created).toMatchObject({ status: 201, json: { total: 1, rejected: 4 } });
  const [rejected = ''] = readdirSync(String(created.json['output'])).filter((name) => name.endsWith('.rejected.csv'));
  expect(readFileSync(join(String(created.json['output']), rejected), 'utf8')).toContain('must be an http(s) address');
  rmSync(directory, { recursive: true });
});

test('too large a body, no items, and fields after the file are refused, and nothing stays behind', async () => {
  const before = readdirSync(join(served.sandbox.home, 'batches')).length;
  const long = { items: [{ prompt: 'x'.repeat(5_000) }] };
  expect(await served.post('/batches', long)).toMatchObject({ status: 413, json: { code: 'BODY_TOO_LARGE' } });
  expect(await served.post('/batches', {})).toMatchObject({ status: 400, json: { code: 'USAGE' } });
  const none = await served.post('/batches', { items: [{ prompt: '' }] });
  expect(none).toMatchObject({ status: 422, json: { code: 'NO_VALID_REQUESTS', errors: [{ field: 'row 1' }] } });
  const body = new FormData();
  body.set('file', new Blob(['prompt\na bird\n']), 'birds.csv');
  body.set('concurrency', '2');
  expect(await served.ask('/batches', { method: 'POST', body })).toMatchObject({ status: 400 });
  expect(readdirSync(join(served.sandbox.home, 'batches'))).toHaveLength(before);
});

test('an answer that has not changed is not sent again', async () => {
  const id = await served.run([{ prompt: 'a fox' }]);
  const first = await served.ask(`/batches/${id}`);
  const etag = first.headers.get('etag') ?? '';
  const again = await served.ask(`/batches/${id}`, { headers: { 'if-none-match': etag } });
  expect([again.status, again.text]).toEqual([304, '']);
  const file = await served.ask(`/batches/${id}/artifacts/images/item-000001.png`);
  expect(file.headers.get('content-security-policy')).toBe("default-src 'none'; sandbox");
  const same = await served.ask(`/batches/${id}/artifacts/images/item-000001.png`, {
    headers: { 'if-none-match': file.headers.get('etag') ?? '' },
  });
  expect(same.status).toBe(304);
  const part = await served.ask(`/batches/${id}/artifacts/images/item-000001.png`, { headers: { range: 'bytes=0-3' } });
  expect([part.status, part.headers.get('content-length')]).toEqual([206, '4']);
  expect(await served.ask(`/batches/${id}/artifacts/input/part-00000.jsonl`)).toMatchObject({ status: 404 });
  expect((await fetch(`${served.url}/api/docs/assets/swagger-ui.css`)).status).toBe(200);
});
