import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, describe, expect, test } from 'vitest';
import type { Flow } from '../../domain/flow.ts';
import { rows, type Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: makeRig, space } = useNamespace();
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

interface Seen {
  method: string;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server on loopback; `listed` says whether flows may ask it. */
async function serve(listed: boolean, reply: (response: ServerResponse, seen: Seen[]) => void) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      seen.push({ method: request.method ?? '', headers: request.headers, body });
      reply(response, seen);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  if (listed) space().http.allow.push(host);
  return { url: `http://${host}/`, seen };
}

async function run(options: Record<string, unknown>): Promise<Rig> {
  const rig = await makeRig();
  const flow: Flow = {
    name: 'ask',
    steps: [
      { id: 'ask', uses: 'http', with: options },
      { id: 'note', uses: 'export', with: { format: 'json', text: '{{ steps.ask.answer }}' } },
    ],
  };
  await rig.submit(rows(1), { flow });
  await rig.summary();
  return rig;
}

function answer(rig: Rig): unknown {
  return JSON.parse(rig.read(rig.row('a1').output_path ?? ''));
}

test('a picture that a template names is fetched by the same rules', async () => {
  const inside = await serve(false, (response) => response.setHeader('content-type', 'image/png').end('a picture'));
  const rig = await makeRig();
  const from_image = inside.url.replace('127.0.0.1', 'localhost');
  const flow: Flow = { name: 'edit', steps: [{ id: 'draw', uses: 'image', with: { prompt: 'x', from_image } }] };
  await rig.submit(rows(1), { flow });
  await rig.summary();
  expect(rig.row('a1')).toMatchObject({ status: 'failed', error_code: 'HOST_NOT_ALLOWED', calls: 0 });
  expect(inside.seen).toEqual([]);
});

async function historyOf(rig: Rig): Promise<string> {
  return JSON.stringify(await rig.item('a1').fetchHistory(), (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  );
}

describe('a step that sends a request', () => {
  test('sends what its templates say, and keeps the answer', async () => {
    const { url, seen } = await serve(true, (response) => {
      response.setHeader('content-type', 'application/json').end('{"id":7}');
    });
    const rig = await run({
      url: `${url}items?id={{ item.id }}`,
      headers: { 'X-Id': '{{ item.id }}' },
      body: { prompt: '{{ item.prompt }}' },
    });
    expect(answer(rig)).toEqual({ status: 200, body: { id: 7 } });
    expect(seen).toMatchObject([
      { method: 'POST', headers: { 'x-id': 'a1', 'content-type': 'application/json' }, body: '{"prompt":"picture 1"}' },
    ]);
    expect(seen[0]?.headers['idempotency-key']).toMatch(/^[\da-f]{32}$/);
  });

  test('asks again when it was not the request’s fault, with the same idempotency key', async () => {
    const { url, seen } = await serve(true, (response, asked) => {
      if (asked.length < 3) response.writeHead(503).end();
      else response.end('done');
    });
    const rig = await run({ method: 'PUT', url });
    expect(answer(rig)).toEqual({ status: 200, body: 'done' });
    expect(new Set(seen.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(rig.row('a1')).toMatchObject({ calls: 3, cost_usd: 0 });
  });

  test('has failed when it is refused, and says with what', async () => {
    const { url, seen } = await serve(true, (response) => void response.writeHead(404).end('no such thing'));
    const rig = await run({ url });
    expect(rig.row('a1')).toMatchObject({
      error_code: 'REQUEST_REFUSED',
      error_message: expect.stringMatching(/answered 404: no such thing/),
    });
    expect(seen).toHaveLength(1);
  });

  test('reaches nothing inside that is not listed', async () => {
    const { url, seen } = await serve(false, (response) => void response.end());
    const rig = await run({ url });
    expect(rig.row('a1').error_code).toBe('HOST_NOT_ALLOWED');
    expect(seen).toEqual([]);
  });

  test('sends a secret, and leaves it in no record, history or answer', async () => {
    const { url, seen } = await serve(
      true,
      (response, asked) => void response.end(`got ${asked[0]?.headers.authorization ?? ''}`),
    );
    const rig = await run({ url, headers: { Authorization: 'Bearer ${env:TEST_SECRET}' } });
    const secret = space().env['TEST_SECRET'] ?? '';
    expect(seen[0]?.headers.authorization).toBe(`Bearer ${secret}`);
    expect(answer(rig)).toEqual({ status: 200, body: 'got Bearer [TEST_SECRET]' });
    const record = rig.read(`steps/${rig.files('steps')[0] ?? ''}/ask.json`);
    for (const kept of [record, await historyOf(rig)]) expect(kept).not.toContain(secret);
  });

  test('fills in no secret that a row names', async () => {
    const { url, seen } = await serve(true, (response) => void response.end('ok'));
    const rig = await makeRig();
    const flow: Flow = { name: 'ask', steps: [{ id: 'ask', uses: 'http', with: { url, body: '{{ item.prompt }}' } }] };
    await rig.submit(rows(1, { 1: '${env:TEST_SECRET}' }), { flow });
    await rig.summary();
    expect(seen[0]?.body).toBe('${env:TEST_SECRET}');
  });

  test('says which secret is not set', async () => {
    const { url } = await serve(true, (response) => void response.end('ok'));
    const rig = await run({ url, headers: { 'x-key': '${env:NOT_SET_ANYWHERE}' } });
    expect(rig.row('a1')).toMatchObject({
      error_code: 'CONFIG_INVALID',
      error_message: expect.stringMatching(/NOT_SET_ANYWHERE/),
    });
  });
});
