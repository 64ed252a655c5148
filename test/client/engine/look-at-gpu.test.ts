import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { lookAtGpu } from '../../../client/engine/look-at-gpu.ts';
import { closeAll, start } from '../../comfyui.ts';

const servers: Server[] = [];
afterEach(async () => {
  await closeAll();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function listen(answer: RequestListener): Promise<number> {
  const server = createServer(answer);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const look = (url: string, timeoutMs?: number) => lookAtGpu({ name: 'studio', url, classes: ['any'] }, timeoutMs);

test.each(['both', 'api', 'bare'] as const)(
  'a server with its routes in place "%s" says what it has',
  async (routes) => {
    const { url } = await start({ routes, vramGb: 48, deviceName: 'cuda:0 NVIDIA A6000' });
    const seen = { device: 'cuda:0 NVIDIA A6000', vramTotalBytes: 48 * 2 ** 30, prompts: 0 };
    expect(await look(`${url}/`)).toEqual(seen);
  },
);

test('user and password of the address are sent, and shown in no error', async () => {
  const stats = JSON.stringify({ devices: [{ name: 'gpu', vram_total: 1 }] });
  const expected = `Basic ${Buffer.from('us er:hidden-word').toString('base64')}`;
  const port = await listen((request, response) => {
    response.writeHead(request.headers.authorization === expected ? 200 : 401).end(stats);
  });
  expect(await look(`http://us%20er:hidden-word@127.0.0.1:${String(port)}`)).toMatchObject({ device: 'gpu' });
  await expect(look(`http://us%20er:hidden-worm@127.0.0.1:${String(port)}`)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: `ComfyUI cannot be used at 127.0.0.1:${String(port)}: it refuses access (401).`,
  });
});

test('a port where nobody listens, something else, and a server that hangs are told apart', async () => {
  const dead = await start();
  await dead.close();
  const { host } = new URL(dead.url);
  await expect(look(dead.url)).rejects.toThrow(`ComfyUI cannot be used at ${host}: ECONNREFUSED.`);
  const port = await listen((_request, response) => response.end('<html>'));
  await expect(look(`http://127.0.0.1:${String(port)}`)).rejects.toThrow('it is no ComfyUI server.');
  const hanging = await start();
  hanging.hang(true);
  await expect(look(hanging.url, 50)).rejects.toThrow('no answer within 0.05 s.');
});
