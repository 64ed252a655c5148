import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createComfyClient } from '../../../providers/comfyui/client.ts';

test('user and password of the address are sent with every request', async () => {
  const seen: (string | undefined)[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    seen.push(request.headers.authorization);
    request.resume().once('end', () => response.end('{"devices":[],"queue_running":[],"queue_pending":[]}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createComfyClient({ baseUrl: `http://us%20er:word@127.0.0.1:${String(port)}` });
  try {
    await client.queue();
  } finally {
    client.close();
    server.close().closeAllConnections();
  }
  const expected = `Basic ${Buffer.from('us er:word').toString('base64')}`;
  expect(seen).toEqual([expected, expected]);
});
