import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSourceImage } from '../../activities/source-image.ts';

const asked: string[] = [];
let server: Server;
let port = 0;
beforeAll(async () => {
  server = createServer((request, reply) => {
    asked.push(`${request.headers.host ?? ''}${request.url ?? ''}`);
    // By a name that resolves to this machine.
    if (request.url === '/away') reply.writeHead(302, { location: `http://localhost:${String(port)}/cat.png` }).end();
    else if (request.url === '/page') reply.setHeader('content-type', 'text/html').end('<p>');
    else if (request.url === '/long') reply.setHeader('content-type', 'image/png').end(Buffer.alloc(21 * 1024 * 1024));
    else if (request.url === '/down') reply.writeHead(503).end();
    else reply.setHeader('content-type', 'image/png; charset=binary').end('a picture');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const at = (host: string, path = '/cat.png'): string => `http://${host}:${String(port)}${path}`;

/** @param row what the item's row says; with `local` by somebody who may name files of this machine */
async function read(source: string, allow: string[], row: { fromImage?: string; local?: boolean } = {}) {
  const { fromImage = source, local = false } = row;
  const item = { fromImage, ...(local ? { localSource: true as const } : {}) };
  const { data } = await readSourceImage({ http: { allow } }, { item, signal: new AbortController().signal }, source);
  return Buffer.from(data).toString();
}

test('a source image of somebody elsewhere comes from no place inside, by number, name or redirect', async () => {
  asked.length = 0;
  for (const source of [at('127.0.0.1'), at('localhost'), at('[::ffff:127.0.0.1]'), at('127.1')]) {
    await expect(read(source, []), source).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  }
  expect(asked).toEqual([]);
  await expect(read(at('127.0.0.1', '/away'), ['127.0.0.1'])).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  expect(asked).toEqual([`127.0.0.1:${String(port)}/away`]);
  expect(await read(at('127.0.0.1'), ['127.0.0.1'])).toBe('a picture');
});

test('one that the row of a local input names may lie inside, but nowhere else', async () => {
  asked.length = 0;
  expect(await read(at('127.0.0.1'), [], { local: true })).toBe('a picture');
  expect(await read(at('localhost'), ['example.org'], { local: true })).toBe('a picture');
  const elsewhere = { local: true, fromImage: at('127.0.0.1') };
  await expect(read(at('localhost'), [], elsewhere)).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  const away = read(at('127.0.0.1', '/away'), [], { local: true });
  await expect(away).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
  expect(asked).toHaveLength(3);
});

test('what is no image, too long, or not there is told apart', async () => {
  const from = (path: string) => read(at('127.0.0.1', path), [], { local: true });
  await expect(from('/page')).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('must be a PNG'),
  });
  await expect(from('/long')).rejects.toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('20971520 bytes'),
  });
  await expect(from('/down')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await expect(read('http://127.0.0.1:1/', [], { local: true })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
