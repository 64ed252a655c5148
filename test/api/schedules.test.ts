import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ScheduleRun } from '../../client/schedule-report.ts';
import { eventually } from '../support/eventually.ts';
import { Served } from './served.ts';

let files: Server;
let origin: string;
let served: Served;
/** What `/inputs/` answers with. */
let csv = 'prompt\na cat\n';
let inputRoot: string;
let outputRoot: string;
beforeAll(async () => {
  files = createServer((request, reply) => {
    if (request.url === '/inputs/away.csv') reply.writeHead(302, { location: '/secret.csv' }).end();
    else reply.end(csv);
  });
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${String((files.address() as AddressInfo).port)}`;
  served = await Served.start((sandbox) => {
    inputRoot = sandbox.path('inputs');
    outputRoot = sandbox.path('batches');
    for (const directory of [inputRoot, outputRoot]) mkdirSync(directory);
    // What a service leaves that is killed during an upload: the second batch had been started.
    for (const batchId of ['batch_1', 'batch_2']) {
      mkdirSync(join(outputRoot, batchId, 'input'), { recursive: true });
      mkdirSync(join(sandbox.home, 'uploads'), { recursive: true });
      writeFileSync(join(sandbox.home, 'uploads', batchId), '');
    }
    writeFileSync(join(outputRoot, 'batch_2', 'batch_info.json'), '{}');
    const api = { input_urls: [`${origin}/inputs/`], input_root: inputRoot, output_root: outputRoot };
    return { SLUICE_API: JSON.stringify(api) };
  });
});
afterAll(async () => {
  files.close();
  await served.dispose();
});

/** Never by itself in the time of a test. */
const yearly = { cron: ['0 0 1 1 *'], rate_limit: null };

async function make(id: string, options: object): Promise<void> {
  const made = await served.post('/schedules', { schedule_id: id, ...yearly, ...options });
  expect(made).toMatchObject({ status: 201, json: { schedule_id: id } });
}

/** Makes a run and waits for its end. */
async function runOf(id: string): Promise<ScheduleRun> {
  const before = (await served.ask(`/schedules/${id}`)).json['runs_made'] as number;
  expect(await served.post(`/schedules/${id}/run`, {})).toMatchObject({ status: 202 });
  return await eventually(async () => {
    const { runs } = (await served.ask(`/schedules/${id}`)).json as unknown as { runs: ScheduleRun[] };
    return runs.length > before && runs[0]?.status !== 'running' ? runs[0] : undefined;
  });
}

test('a schedule of items is made, shown, paused, run, made up for and removed, with what was sent for it', async () => {
  await make('nightly', { items: [{ id: 'a', prompt: 'a cat' }], cron: ['0 2 * * *'], time_zone: 'Asia/Tokyo' });
  const shown = (await served.ask('/schedules/nightly')).json;
  expect(shown).toMatchObject({
    cron: ['0 2 * * *'],
    time_zone: 'Asia/Tokyo',
    output: join(outputRoot, 'nightly/{{ date }}'),
  });
  const paused = await served.post('/schedules/nightly/pause', { note: 'until Monday' });
  expect(paused.json).toMatchObject({ paused: true, note: 'until Monday' });
  expect((await served.post('/schedules/nightly/resume', {})).json).toMatchObject({ paused: false });
  const times = { from: '2026-01-01T17:00:00Z', to: '2026-01-01T17:00:00Z' };
  expect(await served.post('/schedules/nightly/backfill', times)).toMatchObject({ status: 202 });
  const made = await eventually(async () => {
    const found = await served.ask('/batches/nightly_20260101_170000');
    return found.json['status'] === 'succeeded' && found.json;
  });
  expect(made).toMatchObject({ total: 1, output: join(outputRoot, 'nightly/2026-01-02') });
  await eventually(async () => (await served.ask('/schedules')).json.data.length > 0);

  expect(readdirSync(join(served.sandbox.home, 'schedules'))).toHaveLength(1);
  expect(await served.ask('/schedules/nightly', { method: 'DELETE' })).toMatchObject({ status: 200 });
  expect(await served.ask('/schedules/nightly')).toMatchObject({ status: 404, json: { code: 'SCHEDULE_NOT_FOUND' } });
  expect(readdirSync(join(served.sandbox.home, 'schedules'))).toEqual([]);
});

test('what a killed service had begun and not started is gone when it is back', () => {
  expect(readdirSync(outputRoot).filter((name) => name.startsWith('batch_'))).toEqual(['batch_2']);
  expect(existsSync(join(served.sandbox.home, 'uploads'))).toBe(false);
});

test('an uploaded file is the input of every run', async () => {
  const form = new FormData();
  form.set('schedule_id', 'uploaded');
  form.set('cron', '["@yearly"]');
  form.set('file', new Blob(['id,prompt\nd,a dog\n']), 'dogs.csv');
  expect(await served.ask('/schedules', { method: 'POST', body: form })).toMatchObject({ status: 201 });
  expect(await runOf('uploaded')).toMatchObject({ status: 'succeeded' });
});

test('a file and an address are read anew by each run, and nothing beside them', async () => {
  writeFileSync(join(inputRoot, 'cats.csv'), 'prompt\na cat\n');
  await make('file', { path: 'cats.csv', output: 'file/{{ batch }}' });
  expect(await runOf('file')).toMatchObject({ status: 'succeeded' });
  // What the path leads to is looked at by each run.
  writeFileSync(served.sandbox.path('elsewhere.csv'), 'prompt\na secret\n');
  await make('linked', { path: 'today.csv' });
  symlinkSync(served.sandbox.path('elsewhere.csv'), join(inputRoot, 'today.csv'));
  expect(await runOf('linked')).toMatchObject({ status: 'failed', error_code: 'INPUT_OUTSIDE' });

  await make('address', { url: `${origin}/inputs/{{ date }}.csv` });
  csv = 'prompt\na cat\nanother cat\n';
  const { batch_id: batchId } = await runOf('address');
  expect((await served.ask(`/batches/${batchId}`)).json).toMatchObject({ total: 2 });
  await make('redirected', { url: `${origin}/inputs/away.csv` });
  expect(await runOf('redirected')).toMatchObject({ status: 'failed', error_code: 'HOST_NOT_ALLOWED' });
});

test('nothing is written outside the directory of batches, also not through a link in it', async () => {
  const outside = served.sandbox.path('outside');
  mkdirSync(outside);
  symlinkSync(outside, join(outputRoot, 'link'));
  symlinkSync(served.sandbox.path('nowhere'), join(outputRoot, 'dangling'));
  mkdirSync(join(outputRoot, 'inner'));
  symlinkSync(outside, join(outputRoot, 'inner', 'images'));
  const items = [{ prompt: 'a cat' }];
  for (const output of ['link', 'link/sub', 'dangling', 'inner', '.', 'a/../..', outside, 'file:///tmp/x']) {
    const refused = { status: 422, json: { code: 'OUTPUT_OUTSIDE' } };
    expect(await served.post('/batches', { items, output }), output).toMatchObject(refused);
    const schedule = { schedule_id: 'escaping', ...yearly, items, output: `${output}{{ '' }}` };
    expect(await served.post('/schedules', schedule), output).toMatchObject(refused);
  }
  // A template can be made to say anything.
  await make('late', { items, output: "{{ date | replace: date, 'later' }}" });
  symlinkSync(outside, join(outputRoot, 'later'));
  expect(await runOf('late')).toMatchObject({ status: 'failed', error_code: 'OUTPUT_OUTSIDE' });
  expect(readdirSync(outside)).toEqual([]);
  expect(existsSync(served.sandbox.path('nowhere'))).toBe(false);
});

test('what cannot be a schedule is refused at once, and leaves nothing behind', async () => {
  const before = readdirSync(join(served.sandbox.home, 'schedules')).length;
  const items = [{ prompt: 'a cat' }];
  const refused = async (body: object, status: number, code: string): Promise<void> => {
    const answer = await served.post('/schedules', { schedule_id: 'refused', ...yearly, ...body });
    expect(answer, JSON.stringify(body)).toMatchObject({ status, json: { code } });
  };
  await refused({ items, cron: ['61 * * * *'] }, 400, 'USAGE');
  await refused({ items, cron: [] }, 400, 'USAGE');
  await refused({ items, time_zone: 'Mars/Olympus' }, 400, 'USAGE');
  await refused({}, 400, 'USAGE');
  await refused({ items: [{ prompt: '' }] }, 422, 'NO_VALID_REQUESTS');
  await refused({ path: '../elsewhere.csv' }, 422, 'INPUT_OUTSIDE');
  await refused({ path: '/etc/passwd' }, 422, 'INPUT_OUTSIDE');
  await refused({ url: 'http://169.254.169.254/latest' }, 422, 'HOST_NOT_ALLOWED');
  await refused({ items, schedule_id: 'file' }, 409, 'SCHEDULE_EXISTS');
  expect(readdirSync(join(served.sandbox.home, 'schedules'))).toHaveLength(before);
});
