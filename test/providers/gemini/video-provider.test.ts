import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { startGeminiEmulator } from '../../../emulators/gemini/server.ts';
import type { GeminiEmulatorOptions } from '../../../emulators/gemini/options.ts';
import { createGeminiProviders } from '../../../providers/gemini/providers.ts';
import type { VideoRequest } from '../../../providers/video-provider.ts';

const apiKey = 'a-key-of-some-length';
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const request: VideoRequest = { model: 'veo-3.1-generate-preview', prompt: 'a river', seconds: 4, seed: 7 };
const options = { signal: new AbortController().signal, timeoutMs: 10_000 };

async function emulated(more: GeminiEmulatorOptions = {}) {
  const emulator = await startGeminiEmulator({ latencyMs: 0, videoMs: 0, apiKey, ...more });
  closers.push(() => emulator.close());
  return createGeminiProviders({ apiKey, baseUrl: emulator.url }).video;
}

async function server(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const listening = createServer(answer).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  closers.push(() => new Promise((done) => listening.close(done)));
  const address = listening.address();
  return `http://127.0.0.1:${String(typeof address === 'object' ? address?.port : '')}`;
}

test('it starts a video from an image, says that it is not done, and then where it is', async () => {
  const slow = await emulated({ videoMs: 60_000 });
  const firstFrame = { mimeType: 'image/png', data: Buffer.from('an image') };
  const { operation, sent } = await slow.start({ ...request, aspectRatio: '9:16', firstFrame }, options);
  expect(sent).toMatchObject({ durationSeconds: 4, aspectRatio: '9:16', first_frame: { bytes: 8 } });
  expect(await slow.look(operation, options)).toEqual({ state: 'running' });
  const quick = await emulated();
  const started = await quick.start(request, options);
  const state = await quick.look(started.operation, options);
  if (state.state !== 'done') throw new Error(state.state);
  const { mimeType, data } = await quick.download(state.uri, options);
  expect([mimeType, Buffer.from(data).toString('latin1', 4, 8)]).toEqual(['video/mp4', 'ftyp']);
});

test.each([
  ['video_filtered', { code: 'CONTENT_BLOCKED', retryable: false }],
  ['rate_limited', { code: 'RATE_LIMITED', retryAfterMs: 1_000 }],
  ['quota_per_day', { code: 'QUOTA_EXCEEDED' }],
  ['unavailable', { code: 'UNAVAILABLE', retryable: true }],
  ['malformed_json', { code: 'UNAVAILABLE' }],
] as const)('%s becomes %j', async (fault, expected) => {
  const video = await emulated({ faults: { rules: [{ fault }] } });
  const call = async () => video.look((await video.start(request, options)).operation, options);
  await expect(call()).rejects.toMatchObject(expected);
});

test('an operation that failed by itself may be asked for again', async () => {
  const video = await emulated({ faults: { rules: [{ fault: 'video_failed' }] } });
  const { operation } = await video.start(request, options);
  expect(await video.look(operation, options)).toMatchObject({ state: 'failed' });
});

test('a length the model does not make is the request’s fault', async () => {
  const video = await emulated();
  await expect(video.start({ ...request, seconds: 5 }, options)).rejects.toMatchObject({ code: 'INVALID_INPUT' });
});

test('the key goes to the API’s own host only, whatever address a reply gives or sends on to', async () => {
  const seen: (string | string[] | undefined)[] = [];
  const elsewhere = await server((asked, response) => {
    seen.push(asked.headers['x-goog-api-key']);
    response.end(Buffer.from('\0\0\0\u0018ftypisom', 'latin1'));
  });
  const home = await server((asked, response) => {
    seen.push(asked.headers['x-goog-api-key']);
    response.writeHead(302, { location: `${elsewhere}/somewhere` }).end();
  });
  const { video } = createGeminiProviders({ apiKey, baseUrl: home });
  const { data } = await video.download(`${elsewhere}/v1beta/files/abc:download?alt=media`, options);
  expect(data.byteLength).toBe(12);
  expect(seen).toEqual([apiKey, undefined]);
  await expect(video.download(`${elsewhere}/steal`, options)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(seen).toHaveLength(2);
});

test('a name of an operation that is more than a path is not followed', async () => {
  const home = await server((_, response) => response.end('{"name":"../../elsewhere?key="}'));
  const { video } = createGeminiProviders({ apiKey, baseUrl: home });
  await expect(video.start(request, options)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

test('a file that is no video is not taken for one', async () => {
  const home = await server((_, response) => response.end('<html>not a video</html>'));
  const { video } = createGeminiProviders({ apiKey, baseUrl: home });
  await expect(video.download(`${home}/v1beta/files/a:download`, options)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
  });
});
