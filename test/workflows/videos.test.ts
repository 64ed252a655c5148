import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCallLog } from '../../emulators/shared/call-log.ts';
import { startGeminiEmulator, type GeminiEmulator } from '../../emulators/gemini/server.ts';
import type { GeminiEmulatorOptions } from '../../emulators/gemini/options.ts';
import { createGeminiProviders } from '../../providers/gemini/providers.ts';
import { eventually } from '../support/eventually.ts';
import { rows } from '../support/rig.ts';
import { useFlows } from '../support/use-flows.ts';

const { space, flow } = useFlows();
let emulator: GeminiEmulator;
let log = '';
const videoMs = 300;

/** One emulator of Veo for all tests, whose faults go by what a prompt says. */
beforeAll(async () => {
  log = join(space().directory, 'videos.jsonl');
  emulator = await startGeminiEmulator({
    ...{ latencyMs: 5, videoMs, callLog: log },
    videoModels: Array.from({ length: 8 }, (_, place) => `filmer-${String(place)}`),
    faults: {
      rules: [
        { prompt: 'forbidden', fault: 'video_filtered' },
        { prompt: 'unlucky', fault: 'video_failed', times: 1 },
        { prompt: 'hopeless', fault: 'video_failed' },
      ],
    },
  } satisfies GeminiEmulatorOptions);
  space().routeVideo(createGeminiProviders({ apiKey: 'any-key', baseUrl: emulator.url }).video);
});
afterAll(() => emulator.close());

const startsOf = (prompt: string): number => readCallLog(log).filter((call) => call.prompt === prompt).length;

it('makes videos of rows that ask for one, beside images, and counts their seconds', async () => {
  const { rig } = await flow({ steps: [{ id: 'image', uses: 'image' }] });
  await rig.emulate();
  const film = space().takeFilmer();
  const [picture, ...videos] = rows(3, { 2: 'a river at dawn', 3: 'an upright river' });
  if (picture === undefined) throw new Error('no row');
  const asVideo = { media_type: 'video', video_model: film };
  const upright = { aspect_ratio: '9:16' };
  await rig.submit([picture, ...videos.map((row, place) => ({ ...row, ...asVideo, ...(place === 1 ? upright : {}) }))]);
  const { counts, costUsd } = await rig.summary();
  expect(counts).toMatchObject({ succeeded: 3 });
  expect(costUsd).toBeCloseTo(0.1 + 2 * 0.4, 6);
  expect(rig.row('a2')).toMatchObject({
    ...{ output_path: 'videos/a2.mp4', calls: 1, images: 0, video_seconds: 4, cost_usd: 0.4, model: film },
  });
  expect(rig.files('videos')).toEqual(['a2.mp4', 'a3.mp4']);
  expect(rig.read('videos/a2.mp4').slice(4, 8)).toBe('ftyp');
  expect(JSON.parse(rig.read('metadata/a2.json'))).toMatchObject({
    ...{ seconds: 4, request: { prompt: 'a river at dawn', durationSeconds: 4, aspectRatio: '16:9' } },
    file: { mime_type: 'video/mp4' },
  });
  expect(existsSync(join(rig.output, 'operations/a2.json'))).toBe(false);
});

it('blocks what the vendor filters, charges nothing for it, and asks again for what came to nothing', async () => {
  const film = space().takeFilmer();
  const { rig, submit } = await flow({
    steps: [
      {
        id: 'clip',
        uses: 'video',
        with: { prompt: '{{ item.prompt }}', seconds: 8 },
        model: { rule: 'fixed', models: [film] },
      },
    ],
  });
  await submit({ items: rows(3, { 1: 'forbidden', 2: 'unlucky', 3: 'hopeless' }) });
  await rig.summary();
  expect(rig.row('a1')).toMatchObject({ status: 'failed', error_code: 'CONTENT_BLOCKED', calls: 1, cost_usd: 0 });
  expect(rig.row('a2')).toMatchObject({ status: 'succeeded', calls: 2, video_seconds: 8, cost_usd: 0.8 });
  expect(rig.row('a3')).toMatchObject({ status: 'failed', error_code: 'NO_OUTPUT' });
  expect(startsOf('hopeless')).toBe(3);
  expect(rig.row('a1').error_message).toContain('could not create your video');
});

it('has no more videos made at once than calls may be under way', async () => {
  const film = space().takeFilmer();
  const { rig, submit } = await flow({
    steps: [{ id: 'clip', uses: 'video', model: { rule: 'fixed', models: [film] } }],
  });
  // Four are started at once, two of them ahead of their turn.
  await submit({
    items: rows(4, { 1: 'one of four', 2: 'two of four', 3: 'three of four', 4: 'four of four' }),
    spec: { limits: { concurrency: 2 } },
  });
  expect((await rig.summary()).counts).toMatchObject({ succeeded: 4 });
  const starts = readCallLog(log).filter(({ prompt }) => prompt?.endsWith('of four') === true);
  const [first = 0, , third = 0] = starts.map(({ at }) => at);
  expect(starts).toHaveLength(4);
  expect(third - first).toBeGreaterThanOrEqual(videoMs);
});

it('pays once for a video whose worker goes away while it is made', async () => {
  const film = space().takeFilmer();
  const { rig, submit } = await flow({
    steps: [{ id: 'clip', uses: 'video', model: { rule: 'fixed', models: [film] } }],
  });
  await submit({ items: rows(1, { 1: 'a long river' }) });
  await eventually(() => existsSync(join(rig.output, 'operations/a1.json')) || undefined);
  await space().stopWorkers();
  await space().startWorkers();
  const { counts } = await rig.summary();
  expect(counts).toMatchObject({ succeeded: 1 });
  expect(startsOf('a long river')).toBe(1);
  expect(rig.row('a1')).toMatchObject({ calls: 1, cost_usd: 0.4 });
});

it('uses a video again that another batch has paid for', async () => {
  const film = space().takeFilmer();
  const clip = {
    id: 'clip',
    uses: 'video' as const,
    with: { seconds: 4 },
    model: { rule: 'fixed' as const, models: [film] },
  };
  const first = await flow({ steps: [clip] });
  await first.submit({ items: rows(1, { 1: 'a river seen twice' }) });
  await first.rig.summary();
  const second = await flow({ steps: [clip] });
  await second.submit({ items: rows(1, { 1: 'a river seen twice' }) });
  expect(await second.rig.summary()).toMatchObject({ status: 'succeeded', costUsd: 0 });
  expect(startsOf('a river seen twice')).toBe(1);
  const source = `${first.rig.batchId}/a1/clip`;
  expect(second.rig.row('a1')).toMatchObject({ output_path: 'videos/a1.mp4', calls: 0, cached_from: source });
  expect(second.rig.read('videos/a1.mp4')).toBe(first.rig.read('videos/a1.mp4'));
  expect(JSON.parse(second.rig.read('metadata/a1.json'))).toMatchObject({ cached_from: source, seconds: 4 });
});

it('keeps what a cancelled item has asked for, and fetches it when the batch is run again', async () => {
  const film = space().takeFilmer();
  const { rig, submit } = await flow({
    steps: [{ id: 'clip', uses: 'video', model: { rule: 'fixed', models: [film] } }],
  });
  const items = rows(1, { 1: 'a river that is called off' });
  await submit({ items });
  await eventually(() => existsSync(join(rig.output, 'operations/a1.json')) || undefined);
  await rig.workflow.signal('cancel');
  await rig.summary();
  const cancelled = rig.row('a1');
  await submit({ items, resume: true });
  await rig.summary();
  expect(startsOf('a river that is called off')).toBe(1);
  expect(rig.files('videos')).toEqual(['a1.mp4']);
  // What it cost is in one of the two rows, whichever came first.
  expect(cancelled.cost_usd + rig.row('a1').cost_usd).toBeCloseTo(0.4, 6);
});

it('gives up a video that takes longer than its item may, and fetches it when the item is run again', async () => {
  const slowLog = join(space().directory, 'slow-videos.jsonl');
  const film = space().takeFilmer();
  const slow = await startGeminiEmulator({ latencyMs: 5, videoMs: 6_000, callLog: slowLog, videoModels: [film] });
  const provider = (from: GeminiEmulator) => createGeminiProviders({ apiKey: 'any-key', baseUrl: from.url }).video;
  space().routeVideo(provider(slow));
  try {
    const { rig, submit } = await flow({
      steps: [{ id: 'clip', uses: 'video', model: { rule: 'fixed', models: [film] } }],
    });
    await submit({ items: rows(1, { 1: 'a slow river' }), spec: { itemTimeoutMs: 500 } });
    expect(await rig.summary()).toMatchObject({ status: 'failed' });
    expect(rig.row('a1')).toMatchObject({ error_code: 'ITEM_TIMEOUT', calls: 1 });
    await eventually(async () => {
      await rig.retry();
      return (await rig.summary()).counts.succeeded === 1;
    });
    expect(rig.row('a1')).toMatchObject({ output_path: 'videos/a1.mp4' });
    expect(readCallLog(slowLog).filter(({ prompt }) => prompt === 'a slow river')).toHaveLength(1);
  } finally {
    space().routeVideo(provider(emulator));
    await slow.close();
  }
});
