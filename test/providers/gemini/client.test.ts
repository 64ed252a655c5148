import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { startGeminiEmulator } from '../../../emulators/gemini/server.ts';
import { normalizeBaseUrl } from '../../../providers/gemini/base-url.ts';
import { createGeminiProviders } from '../../../providers/gemini/providers.ts';
import type { CallOptions, ImageRequest } from '../../../providers/image-provider.ts';

const request: ImageRequest = { model: 'm', prompt: 'p', seed: 1, aspectRatio: '1:1', emptyReplies: 0 };
const apiKey = 'AIza-a-key-of-a-real-length-0123456789';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }
});

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return `http://127.0.0.1:${address.port}`;
}

function callOptions(changes: Partial<CallOptions> = {}): CallOptions {
  return { signal: new AbortController().signal, timeoutMs: 20_000, ...changes };
}

async function failureOf(baseUrl: string, options = callOptions()): Promise<unknown> {
  return createGeminiProviders({ apiKey, baseUrl })
    .image.generateImage(request, options)
    .then(
      () => 'no failure',
      (error: unknown) => error,
    );
}

describe('the base address', () => {
  test.each([
    ['https://example.test', 'https://example.test/v1beta'],
    ['https://example.test/', 'https://example.test/v1beta'],
    ['https://example.test/v1beta', 'https://example.test/v1beta'],
    ['https://example.test/v1beta/', 'https://example.test/v1beta'],
    ['http://example.test:8080/proxy/v1//', 'http://example.test:8080/proxy/v1'],
    [undefined, 'https://generativelanguage.googleapis.com/v1beta'],
  ])('%s is %s', (given, expected) => {
    expect(normalizeBaseUrl(given).href).toBe(expected);
  });

  test.each(['example.test', 'ftp://example.test', ''])('"%s" is refused', (given) => {
    expect(() => normalizeBaseUrl(given)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });
});

test('the key goes in its header and nowhere else', async () => {
  const seen: IncomingMessage[] = [];
  let body = '';
  const baseUrl = await listen((incoming, response) => {
    seen.push(incoming);
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => response.end('{}'));
  });
  await failureOf(baseUrl);
  expect(seen[0]?.url).toBe('/v1beta/models/m:generateContent');
  expect(seen[0]?.headers['x-goog-api-key']).toBe(apiKey);
  expect(JSON.stringify({ ...seen[0]?.headers, 'x-goog-api-key': '' }) + body).not.toContain(apiKey);
});

test('a server that quotes the key back does not get it into the message', async () => {
  const baseUrl = await listen((_, response) => {
    response.writeHead(400).end(JSON.stringify({ error: { message: `bad key ${apiKey}` } }));
  });
  expect(await failureOf(baseUrl)).toMatchObject({
    code: 'INVALID_INPUT',
    message: expect.stringContaining('[API key]'),
  });
});

describe('errors by status', () => {
  const minute = 'GenerateRequestsPerMinutePerProjectPerModel';
  const day = 'GenerateRequestsPerDayPerProjectPerModel-FreeTier';
  const quota = (...ids: string[]) => ({ violations: ids.map((quotaId) => ({ quotaId })) });
  test.each([
    [429, [quota(minute), { retryDelay: '37s' }], {}, 'RATE_LIMITED', 37_000],
    [429, [quota(minute), { retryDelay: '37.5s' }], { 'retry-after': '9' }, 'RATE_LIMITED', 37_500],
    [429, [quota(minute)], { 'retry-after': '9' }, 'RATE_LIMITED', 9_000],
    [429, [quota(minute)], { 'retry-after': 'Wed, 21 Oct 2015 07:28:00 GMT' }, 'RATE_LIMITED', 0],
    [429, [quota(minute)], { 'retry-after': 'soon' }, 'RATE_LIMITED', undefined],
    [429, [quota(minute, day), { retryDelay: '5s' }], {}, 'QUOTA_EXCEEDED', 5_000],
    [429, 'details of another type', {}, 'RATE_LIMITED', undefined],
    [400, [{ reason: 'API_KEY_INVALID' }], {}, 'AUTH', undefined],
    [401, [], {}, 'AUTH', undefined],
    [403, [], {}, 'AUTH', undefined],
    [400, [], {}, 'INVALID_INPUT', undefined],
    [404, [], {}, 'INVALID_INPUT', undefined],
    [413, [], {}, 'INVALID_INPUT', undefined],
    [408, [], {}, 'UNAVAILABLE', undefined],
    [500, [], {}, 'UNAVAILABLE', undefined],
    [502, [], {}, 'UNAVAILABLE', undefined],
    [503, [], { 'retry-after': '2' }, 'UNAVAILABLE', 2_000],
    [504, [], {}, 'UNAVAILABLE', undefined],
    [302, [], {}, 'UNAVAILABLE', undefined],
  ] as const)('%i with %j and headers %j is %s after %s ms', async (status, details, headers, code, retryAfterMs) => {
    const error = { code: status, status: 'SOME_STATUS', message: 'the  vendor\nsays why', details };
    const baseUrl = await listen((incoming, response) => {
      incoming.resume();
      response.writeHead(status, headers).end(JSON.stringify({ error }));
    });
    const failure = await failureOf(baseUrl);
    expect(failure).toMatchObject({ code, retryAfterMs });
    expect(failure).toHaveProperty('message', expect.stringContaining(`(${status} SOME_STATUS): the vendor says why`));
  });

  test('an error page that is no JSON is told by its status', async () => {
    const baseUrl = await listen((_, response) => response.writeHead(502).end('<html>Bad Gateway</html>'));
    expect(await failureOf(baseUrl)).toMatchObject({ code: 'UNAVAILABLE', message: 'Gemini is not available (502)' });
  });
});

describe('broken connections are UNAVAILABLE', () => {
  test('refused', async () => {
    const emulator = await startGeminiEmulator({});
    await emulator.close();
    expect(await failureOf(emulator.url)).toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('reset before the reply', async () => {
    const baseUrl = await listen((incoming) => incoming.socket.resetAndDestroy());
    expect(await failureOf(baseUrl)).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('ended in the middle of a chunked reply', async () => {
    const baseUrl = await listen((incoming, response) => {
      response.write('{"candidates":', () => incoming.socket.destroy());
    });
    expect(await failureOf(baseUrl)).toMatchObject({ code: 'UNAVAILABLE' });
  });
});

test('the time limit covers a reply that begins and never ends', async () => {
  const baseUrl = await listen((_, response) => response.writeHead(200).write('{"candidates":'));
  expect(await failureOf(baseUrl, callOptions({ timeoutMs: 100 }))).toMatchObject({ code: 'TIMEOUT' });
});

describe('an abort', () => {
  test('gives back its own reason and frees the connection', async () => {
    const caller = new AbortController();
    const reason = { why: 'the batch was cancelled' };
    const { promise: closed, resolve } = Promise.withResolvers<string>();
    const baseUrl = await listen((_, response) => {
      response.once('close', () => resolve('closed'));
      caller.abort(reason);
    });
    expect(await failureOf(baseUrl, callOptions({ signal: caller.signal }))).toBe(reason);
    expect(await closed).toBe('closed');
  });

  test('before the call sends nothing', async () => {
    let requests = 0;
    const baseUrl = await listen((_, response) => {
      requests += 1;
      response.end();
    });
    expect(await failureOf(baseUrl, callOptions({ signal: AbortSignal.abort('stop') }))).toBe('stop');
    expect(requests).toBe(0);
  });
});

test('onSent is called once, after the request is written and before its reply', async () => {
  const order: string[] = [];
  const baseUrl = await listen((incoming, response) => {
    incoming.resume().once('end', () => {
      order.push('arrived');
      response.end('{}');
    });
  });
  await failureOf(baseUrl, callOptions({ onSent: () => order.push('sent') }));
  expect(order).toEqual(['sent', 'arrived']);
});

test('onSent is not called for a request that never got a connection', async () => {
  const emulator = await startGeminiEmulator({});
  await emulator.close();
  let sent = 0;
  await failureOf(emulator.url, callOptions({ onSent: () => (sent += 1) }));
  expect(sent).toBe(0);
});
