import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readCallLog } from '../../../emulators/shared/call-log.ts';
import { startGeminiEmulator } from '../../../emulators/gemini/server.ts';
import { apiKey, body, closeAll, model, partsOf, post, start, summary } from './support.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-emulator-'));
});
afterEach(async () => {
  await closeAll();
  rmSync(directory, { recursive: true });
});

test('requests a minute are limited for each model, with the quota named and the time to wait', async () => {
  const emulator = await start({ rpm: 3 });
  const replies = await Promise.all(Array.from({ length: 5 }, () => post(emulator, body('a cat'))));
  expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429]);
  const other = await post(emulator, body('a cat'), { path: '/v1beta/models/gemini-3-pro-image:generateContent' });
  expect(other.status).toBe(200);

  const error = replies.find(({ status }) => status === 429)?.json.error;
  expect(error?.status).toBe('RESOURCE_EXHAUSTED');
  const [, quota, retry] = error?.details ?? [];
  expect(quota).toEqual({
    '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
    violations: [
      {
        quotaMetric: 'generativelanguage.googleapis.com/generate_requests_per_model',
        quotaId: 'GenerateRequestsPerMinutePerProjectPerModel',
        quotaDimensions: { location: 'global', model },
        quotaValue: '3',
      },
    ],
  });
  expect(retry).toEqual({
    '@type': 'type.googleapis.com/google.rpc.RetryInfo',
    retryDelay: expect.stringMatching(/^\d+(\.\d+)?s$/),
  });
  expect(await summary(emulator)).toMatchObject({
    total: 6,
    by_status: { 200: 4, 429: 2 },
    by_fault: { rpm: 2 },
    by_model: { [model]: { total: 5, max_per_rolling_minute: 5 }, 'gemini-3-pro-image': { total: 1 } },
  });
});

test('the same seed gives the same faults under any concurrency', async () => {
  const run = async (concurrent: boolean) => {
    const emulator = await start({
      seed: 5,
      faults: { rates: { text_only: 0.3, unavailable: 0.2, rate_limited: 0.2 } },
    });
    const ask = async (n: number) => {
      const reply = await post(emulator, body(`prompt ${n % 15}`, { seed: n % 15, responseModalities: ['IMAGE'] }));
      return `${reply.status} ${reply.json.error?.status ?? Object.keys(partsOf(reply)[0] ?? {}).join()}`;
    };
    const numbers = Array.from({ length: 30 }, (_, n) => n);
    if (concurrent) return (await Promise.all(numbers.toReversed().map(ask))).sort();
    const answers: string[] = [];
    for (const n of numbers) answers.push(await ask(n));
    return answers.sort();
  };
  const answers = await run(true);
  expect(await run(false)).toEqual(answers);
  expect(new Set(answers).size).toBe(4);
});

describe('the call log', () => {
  test('has a row at the start and one at the end of each call, and never a key', async () => {
    const callLog = join(directory, 'calls.jsonl');
    const emulator = await start({ apiKey, callLog, faults: { rules: [{ prompt: 'dog', fault: 'unavailable' }] } });
    const text = body('a cat', { seed: 9 });
    const before = Date.now();
    await post(emulator, text, { headers: { 'x-goog-api-key': apiKey } });
    await post(emulator, body('a dog'), { path: `/v1beta/models/${model}:generateContent?key=${apiKey}` });
    await post(emulator, text, { headers: { 'x-goog-api-key': `${apiKey}-wrong` } });
    await emulator.close();

    const log = readFileSync(callLog, 'utf8');
    expect(log).not.toContain(apiKey);
    expect([...log.matchAll(/^\{"event":"(\w+)","call":(\d+)/gm)].map(([, event, call]) => `${event} ${call}`)).toEqual(
      ['start 1', 'end 1', 'start 2', 'end 2', 'start 3', 'end 3'],
    );
    const calls = readCallLog(callLog);
    expect(calls[0]).toEqual({
      call: 1,
      at: expect.any(Number),
      ended_at: expect.any(Number),
      model,
      prompt: 'a cat',
      seed: 9,
      status: 200,
      fault: null,
      aborted: false,
      request_hash: createHash('sha256').update(text).digest('hex'),
    });
    expect(Math.abs((calls[0]?.at ?? 0) - before)).toBeLessThan(60_000);
    expect(calls[1]).toMatchObject({ prompt: 'a dog', seed: null, status: 503, fault: 'unavailable' });
    expect(calls[2]).toMatchObject({ status: 400, fault: null });
  });

  test('a client that goes away leaves an aborted call', async () => {
    const callLog = join(directory, 'calls.jsonl');
    const emulator = await start({ callLog, faults: { rates: { hang: 1 } } });
    const client = new AbortController();
    const call = post(emulator, body('a cat'), { signal: client.signal }).catch(() => 'gone');
    while ((await summary(emulator)).in_flight === 0) continue;
    client.abort();
    expect(await call).toBe('gone');
    while ((await summary(emulator)).in_flight > 0) continue;

    expect(readCallLog(callLog)).toMatchObject([{ prompt: 'a cat', status: null, fault: 'hang', aborted: true }]);
    expect(await summary(emulator)).toMatchObject({ total: 1, max_in_flight: 1, by_status: { aborted: 1 } });
  });
});

test('a client that goes away in the middle of its request leaves one aborted call without a prompt', async () => {
  const callLog = join(directory, 'calls.jsonl');
  const emulator = await start({ callLog });
  const socket = connect(emulator.port, '127.0.0.1');
  socket.write(`POST /v1beta/models/${model}:generateContent HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"conte`);
  while ((await summary(emulator)).in_flight === 0) continue;
  socket.destroy();
  while ((await summary(emulator)).in_flight > 0) continue;
  const rows = readFileSync(callLog, 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(rows).toMatchObject([
    { event: 'start', call: 1, prompt: null },
    { event: 'end', call: 1, prompt: null, status: null, fault: null, aborted: true },
  ]);
});

test('clients that go away while a reply is made leave nothing in flight, and closing does not wait for them', async () => {
  const emulator = await start({ rpm: 3 });
  await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const call = post(emulator, body(`cat ${n}`), { signal: AbortSignal.timeout(n) });
      await call.catch(() => 'gone');
    }),
  );
  while ((await summary(emulator)).in_flight > 0) continue;
  await emulator.close();
});

test('closing breaks what is in flight and frees the port', async () => {
  const emulator = await start({ latencyMs: 600_000 });
  const call = post(emulator, body('a cat')).catch(() => 'broken');
  while ((await summary(emulator)).in_flight === 0) continue;
  await emulator.close();
  expect(await call).toBe('broken');
  expect((await start({ port: emulator.port })).port).toBe(emulator.port);
});

test('a port that is taken, or an option that makes no sense, is a USAGE error', async () => {
  const { port } = await start();
  await expect(startGeminiEmulator({ port })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(`${port}`),
  });
  await expect(startGeminiEmulator({ rpm: 0 })).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('rpm'),
  });
});

test('health answers', async () => {
  const reply = await fetch(`${(await start()).url}/__emulator/health`);
  expect(await reply.json()).toEqual({ status: 'ok', emulates: 'gemini' });
});
