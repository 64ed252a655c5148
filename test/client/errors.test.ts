import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BatchHandle } from '../../client/batch-handle.ts';

/** A server that answers every call about a workflow with one gRPC status. */
let server: Http2Server;
let connection: Connection;
let answer: { code: number; details: string };
const unimplemented = 12;

beforeAll(async () => {
  server = createServer().on('stream', (stream, headers) => {
    const known = headers[':path']?.endsWith('/GetSystemInfo') !== true;
    stream.respond(
      {
        ':status': 200,
        'content-type': 'application/grpc',
        'grpc-status': String(known ? answer.code : unimplemented),
        'grpc-message': encodeURI(answer.details),
      },
      { endStream: true },
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  // Without the client's own retries, which are not what is tested.
  connection = Connection.lazy({ address: `127.0.0.1:${String(port)}`, interceptors: [] });
});
afterAll(async () => {
  await connection.close();
  server.close();
});

const batch = (): BatchHandle => new BatchHandle(new Client({ connection }), 'batch_1');

test.for([
  [14, 'Frontend is not healthy yet', 'The engine does not answer.'],
  [4, 'context deadline exceeded', 'The engine does not answer.'],
  [1, 'context canceled', 'The engine does not answer (1 CANCELLED: context canceled).'],
  [8, 'system overloaded', 'The engine does not answer (8 RESOURCE_EXHAUSTED: system overloaded).'],
  [
    9,
    'no poller seen for task queue recently, worker may be down',
    '(9 FAILED_PRECONDITION: no poller seen for task queue',
  ],
  [9, 'Workflow task is not scheduled yet.', '(9 FAILED_PRECONDITION: Workflow task is not'],
  [13, 'Received RST_STREAM with code 2 (Internal server error)', 'The engine does not answer (13 INTERNAL: '],
] as const)('%i "%s" is an engine that does not answer', async ([code, details, message]) => {
  answer = { code, details };
  await expect(batch().progress()).rejects.toMatchObject({
    code: 'ENGINE_UNAVAILABLE',
    message: expect.stringContaining(message),
  });
  await expect(batch().find()).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
});

test.for([
  [2, 'sql: no rows in result set', '2 UNKNOWN: sql: no rows in result set'],
  [7, 'Request unauthorized.', '7 PERMISSION_DENIED: Request unauthorized.'],
  [8, 'Received message larger than max (5 vs 4)', '8 RESOURCE_EXHAUSTED: Received message larger than max (5 vs 4)'],
  [9, 'Workflow Task in failed state', '9 FAILED_PRECONDITION: Workflow Task in failed state'],
  [10, 'operation aborted', '10 ABORTED: operation aborted'],
  [13, 'the chain of resets is too long', '13 INTERNAL: the chain of resets is too long'],
] as const)('%i "%s" is shown as the server said it', async ([code, details, message]) => {
  answer = { code, details };
  await expect(batch().find()).rejects.toMatchObject({ code: 'INTERNAL', message: `Temporal answered ${message}` });
});

test('a request that no server would take is bad usage', async () => {
  answer = { code: 3, details: 'WorkflowId is not set on request.' };
  await expect(batch().find()).rejects.toMatchObject({
    code: 'USAGE',
    message: 'Temporal refused the request: WorkflowId is not set on request.',
  });
});

test('a batch the server does not know is no error but null', async () => {
  answer = { code: 5, details: 'workflow not found' };
  expect(await batch().find()).toBeNull();
});
