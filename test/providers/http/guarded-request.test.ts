import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { sendGuarded, type GuardedReply, type GuardedRequest } from '../../../providers/http/guarded-request.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

function send(url: string, allow: string[], more: Partial<GuardedRequest> = {}): Promise<GuardedReply> {
  return sendGuarded({
    method: 'GET',
    url,
    headers: {},
    secretHeaders: ['authorization'],
    rules: { allow },
    timeoutMs: 20_000,
    maxBytes: 1_000,
    signal: new AbortController().signal,
    ...more,
  });
}

describe('a request to an address of a user', () => {
  test('brings status, headers and body of a listed host', async () => {
    const host = await serve((request, response) => {
      response.setHeader('x-method', request.method ?? '');
      response.writeHead(201).end('made');
    });
    const reply = await send(`http://${host}/`, [host], { method: 'POST', body: '{}' });
    expect(reply).toMatchObject({ status: 201, headers: { 'x-method': 'POST' } });
    expect(reply.body.toString()).toBe('made');
  });

  test('reaches no loopback address that is not listed, neither by number nor by name', async () => {
    let asked = 0;
    const host = await serve((_request, response) => {
      asked += 1;
      response.end();
    });
    const port = host.split(':')[1] ?? '';
    for (const url of [`http://${host}/`, `http://localhost:${port}/`]) {
      await expect(send(url, [])).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    }
    expect(asked).toBe(0);
  });

  test('is checked again at a redirect, and does not follow one inside', async () => {
    let asked = 0;
    const inside = await serve((_request, response) => {
      asked += 1;
      response.end('secret');
    });
    const host = await serve((_request, response) => {
      response.writeHead(302, { location: `http://${inside}/` }).end();
    });
    await expect(send(`http://${host}/`, [host])).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    expect(asked).toBe(0);
  });

  test('keeps a secret header from another origin a redirect leads to', async () => {
    const seen: (string | undefined)[] = [];
    const second = await serve((request, response) => {
      seen.push(request.headers.authorization, request.headers['x-plain'] as string);
      response.end('done');
    });
    const first = await serve((_request, response) => {
      response.writeHead(307, { location: `http://${second}/` }).end();
    });
    const headers = { Authorization: 'Bearer hidden', 'X-Plain': 'yes' };
    const reply = await send(`http://${first}/`, [first, second], { headers });
    expect(reply.body.toString()).toBe('done');
    expect(seen).toEqual([undefined, 'yes']);
  });

  test('gives up an answer that is too long, one that does not end, and endless redirects', async () => {
    const host = await serve((request, response) => {
      if (request.url === '/long') response.end('x'.repeat(2_000));
      else if (request.url === '/round') response.writeHead(302, { location: '/round' }).end();
      else response.write('…');
    });
    await expect(send(`http://${host}/long`, [host])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    await expect(send(`http://${host}/round`, [host])).rejects.toMatchObject({ code: 'INVALID_INPUT' });
    const silent = send(`http://${host}/silent`, [host], { timeoutMs: 300 });
    await expect(silent).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('throws what the caller aborted it with, and says so when nobody listens', async () => {
    const host = await serve((_request, response) => void response.write('…'));
    const controller = new AbortController();
    const reason = new Error('no longer wanted');
    const sent = send(`http://${host}/`, [host], { signal: controller.signal, onSend: () => controller.abort(reason) });
    await expect(sent).rejects.toBe(reason);
    await expect(send('http://127.0.0.1:1/', ['127.0.0.1'])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    // A name that nobody has, by RFC 2606.
    await expect(send('http://nobody.invalid/', [])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    const garbage = createTcpServer((socket) => socket.on('error', () => undefined).end('no http\r\n'));
    await new Promise<void>((resolve) => garbage.listen(0, '127.0.0.1', resolve));
    const said = send(`http://127.0.0.1:${String((garbage.address() as AddressInfo).port)}/`, ['127.0.0.1']);
    await expect(said).rejects.toThrow(/cannot be reached \((?!undefined)/);
    garbage.close();
  });
});
