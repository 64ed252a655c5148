import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { findPort } from '../../../client/engine/ports.ts';

const open: Server[] = [];
async function occupy(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

test('a preferred port that is free is given', async () => {
  const port = await occupy();
  open.pop()?.close();
  expect(await findPort('127.0.0.1', port)).toBe(port);
});

test('a preferred port that somebody listens on is replaced by one nearby', async () => {
  const port = await occupy();
  const found = await findPort('127.0.0.1', port);
  expect(found).toBeGreaterThan(port);
  expect(found).toBeLessThanOrEqual(port + 50);
});

test('a port that was given away already is not given again', async () => {
  const port = await occupy();
  open.pop()?.close();
  expect(await findPort('127.0.0.1', port, [port])).not.toBe(port);
});

test('without preference any free port is given', async () => {
  expect(await findPort('127.0.0.1', 0)).toBeGreaterThan(0);
});
