import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { BatchHandle } from '../../client/batch-handle.ts';
import type { ScheduleReport } from '../../client/schedule-report.ts';
import { Schedules, type ScheduleInput } from '../../client/schedules.ts';
import { SluiceError } from '../../domain/errors.ts';
import { eventually } from '../support/eventually.ts';
import { startReceiver } from '../support/receiver.ts';
import type { Rig } from '../support/rig.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: openRig, space } = useNamespace();
const schedules = (): Schedules =>
  new Schedules(space().client, { live: new Set(), models: space().models }, space().directory);
/** Never by itself in the time of a test. */
const yearly = { cron: ['0 0 1 1 *'] };

/** A schedule of a rig's model over `prompts.csv` in the rig's directory. */
async function schedule(
  rig: Rig,
  id: string,
  options: Partial<ScheduleInput> = yearly,
): Promise<{ input: string; report: ScheduleReport }> {
  const input = join(rig.directory, 'prompts.csv');
  const report = await schedules().create({
    id,
    input,
    output: rig.output,
    spec: { model: rig.model, limits: { ratePerMinute: null } },
    ...options,
  });
  return { input, report };
}

function write(path: string, ...prompts: string[]): void {
  writeFileSync(path, `id,prompt\n${prompts.map((prompt) => `${prompt},${prompt}\n`).join('')}`);
}

/** Waits until that many runs have closed. */
function closedRuns(id: string, count: number): Promise<ScheduleReport['runs']> {
  return eventually(async () => {
    const { runs } = await schedules().show(id);
    return runs.length >= count && runs.every(({ status }) => status !== 'running') ? runs : undefined;
  });
}

test('each run reads the input anew, and has an id and a directory of its own', async () => {
  const rig = await openRig();
  const { input } = await schedule(rig, 'anew', { ...yearly, output: join(rig.output, '{{ batch }}') });
  write(input, 'one', 'two');
  await schedules().run('anew');
  const [first] = await closedRuns('anew', 1);
  write(input, 'one', 'two', 'three');
  await eventually(() => first!.scheduled_at.slice(0, 19) !== new Date().toISOString().slice(0, 19));
  await schedules().run('anew');
  const [second] = await closedRuns('anew', 2);

  expect(first).toMatchObject({ status: 'succeeded', output: join(rig.output, first!.batch_id) });
  expect(second).toMatchObject({ status: 'succeeded', output: join(rig.output, second!.batch_id) });
  expect(second!.batch_id).not.toBe(first!.batch_id);
  expect(first!.batch_id).toMatch(/^anew_\d{8}_\d{6}$/);
  expect(rig.calls()).toHaveLength(5);
  expect(existsSync(join(second!.output!, 'images', 'three.png'))).toBe(true);
  expect(await new BatchHandle(space().client, second!.batch_id).summary()).toMatchObject({ counts: { succeeded: 3 } });
});

test('a run whose input is missing or holds nothing fails with its reason, and the next one is made all the same', async () => {
  const rig = await openRig();
  const { input } = await schedule(rig, 'gaps', { cron: ['0 0 * * *'] });
  const day = (date: string) => schedules().backfill('gaps', { from: `${date}T00:00:00Z`, to: `${date}T00:00:01Z` });
  await day('2026-01-01');
  await closedRuns('gaps', 1);
  writeFileSync(input, 'id,prompt\na1,\n');
  await day('2026-01-02');
  await closedRuns('gaps', 2);
  write(input, 'good');
  await day('2026-01-03');
  const runs = await closedRuns('gaps', 3);

  expect(runs.map(({ status, error_code: code, batch_id: id }) => ({ status, code, id }))).toEqual([
    { status: 'succeeded', code: null, id: 'gaps_20260103_000000' },
    { status: 'failed', code: 'NO_VALID_REQUESTS', id: 'gaps_20260102_000000' },
    { status: 'failed', code: 'INPUT_NOT_FOUND', id: 'gaps_20260101_000000' },
  ]);
  expect(runs[2]!.error_message).toContain(input);
  expect(readFileSync(join(rig.output, '2026-01-02', 'prompts.rejected.csv'), 'utf8')).toContain('prompt');
  expect(await schedules().show('gaps')).toMatchObject({ paused: false, runs_made: 3 });
});

test('a run that cannot start is told of, once, and one that can is not', async () => {
  const rig = await openRig();
  const receiver = await startReceiver();
  const told = { name: 'told', url: receiver.url, batches: 'named', events: ['schedule.failed', 'batch.completed'] };
  writeFileSync(join(space().directory, 'config.yaml'), JSON.stringify({ webhooks: [told] }));
  const spec = { model: rig.model, limits: { ratePerMinute: null }, webhooks: ['told'] };
  const { input } = await schedule(rig, 'telling', { cron: ['0 0 * * *'], spec });
  const day = (date: string) => schedules().backfill('telling', { from: `${date}T00:00:00Z`, to: `${date}T00:00:00Z` });
  await day('2026-01-01');
  await closedRuns('telling', 1);
  write(input, 'good');
  await day('2026-01-02');
  await closedRuns('telling', 2);
  await eventually(() => receiver.received.length === 2);
  await receiver.close();

  const [failed, completed] = receiver.received.map(({ body }) => body);
  expect(failed).toMatchObject({
    type: 'schedule.failed',
    source: '/schedules/telling',
    subject: 'telling',
    data: {
      schedule_id: 'telling',
      batch_id: 'telling_20260101_000000',
      scheduled_at: '2026-01-01T00:00:00.000Z',
      error_code: 'INPUT_NOT_FOUND',
      error_message: expect.stringContaining(input),
      action: expect.any(String),
    },
  });
  expect(completed).toMatchObject({ type: 'batch.completed', data: { batch_id: 'telling_20260102_000000' } });
});

test('a run that is made again does only what is missing', async () => {
  const rig = await openRig();
  const { input } = await schedule(rig, 'again', { cron: ['0 0 * * *'] });
  write(input, 'one', 'two');
  const once = { from: '2026-02-01T00:00:00Z', to: '2026-02-01T00:00:00Z' };
  await schedules().backfill('again', once);
  await closedRuns('again', 1);
  rmSync(join(rig.output, '2026-02-01', 'images', 'two.png'));
  await schedules().backfill('again', once);
  const [second] = await closedRuns('again', 2);

  expect(second).toMatchObject({ batch_id: 'again_20260201_000000', status: 'succeeded' });
  expect(rig.callsFor('one')).toBe(1);
  expect(rig.callsFor('two')).toBe(2);
});

test('runs of one day do not share a directory', async () => {
  const rig = await openRig();
  const { input } = await schedule(rig, 'hourly', { every: { everyMs: 3_600_000 }, timeZone: 'Asia/Tokyo' });
  write(input, 'one');
  await schedules().backfill('hourly', { from: '2026-03-01T14:00:00Z', to: '2026-03-01T16:00:00Z' });
  const runs = await closedRuns('hourly', 3);

  // By the clocks of the time zone, where the day changes at 15:00 UTC.
  expect(runs.map(({ output }) => output).sort()).toEqual(
    ['2026-03-01', '2026-03-02', '2026-03-02-010000'].map((name) => join(rig.output, name)),
  );
});

test('a template names the input of each run', async () => {
  const rig = await openRig();
  mkdirSync(join(rig.directory, 'inbox'));
  write(join(rig.directory, 'inbox', '2026-04-05.csv'), 'easter');
  await schedule(rig, 'inbox', { cron: ['0 6 * * *'], input: join(rig.directory, 'inbox', '{{ date }}.csv') });
  await schedules().backfill('inbox', { from: '2026-04-05T00:00:00Z', to: '2026-04-05T23:00:00Z' });
  const [run] = await closedRuns('inbox', 1);

  expect(run).toMatchObject({ status: 'succeeded', scheduled_at: '2026-04-05T06:00:00.000Z' });
});

test('a run lasts as long as its batch, so the next one is skipped; deleting the schedule leaves the batch alone', async () => {
  const rig = await openRig();
  const { input } = await schedule(rig, 'slow');
  write(input, 'one');
  await rig.emulate({ faults: { rules: [{ prompt: 'one', fault: 'hang', times: 1 }] } });
  await schedules().run('slow');
  await rig.untilCalled(1);

  await expect(schedules().run('slow')).rejects.toMatchObject({ code: 'BATCH_RUNNING' });
  const [run] = (await schedules().show('slow')).runs;
  expect(run?.status).toBe('running');
  await schedules().delete('slow');
  await expect(schedules().show('slow')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
  await rig.emulate();
  expect(await new BatchHandle(space().client, run!.batch_id).summary()).toMatchObject({ status: 'succeeded' });
});

test('cancel-other cancels the batch that is under way in order, and runs the next one', async () => {
  const rig = await openRig();
  const { input } = await schedule(rig, 'urgent', { cron: ['0 0 * * *'], overlap: 'cancel-other' });
  write(input, 'one', 'two', 'three');
  await rig.emulate({ latencyMs: 2_000 });
  const day = (date: string) =>
    schedules().backfill('urgent', { from: `${date}T00:00:00Z`, to: `${date}T00:00:00Z`, overlap: 'cancel-other' });
  await day('2026-05-01');
  await rig.untilCalled(3);
  await rig.emulate();
  await day('2026-05-02');
  const runs = await closedRuns('urgent', 2);

  expect(runs.map(({ batch_id: id, status }) => ({ id, status }))).toEqual([
    { id: 'urgent_20260502_000000', status: 'succeeded' },
    { id: 'urgent_20260501_000000', status: 'cancelled' },
  ]);
});

test('pause and its note, resume, next runs and the list', async () => {
  const rig = await openRig();
  const { report } = await schedule(rig, 'noted', {
    cron: ['30 4 * * MON'],
    timeZone: 'Europe/Berlin',
    jitterMs: 60_000,
    catchUpMs: 3_600_000,
    overlap: 'buffer-one',
  });
  expect(report).toMatchObject({
    cron: ['30 4 * * MON'],
    time_zone: 'Europe/Berlin',
    overlap: 'buffer-one',
    catch_up_seconds: 3_600,
    jitter_seconds: 60,
    paused: false,
    runs: [],
  });
  expect(report.next_runs).toHaveLength(10);
  await schedules().pause('noted', 'until Monday');
  expect(await schedules().show('noted')).toMatchObject({ paused: true, note: 'until Monday' });
  await eventually(async () => {
    for await (const entry of schedules().list()) {
      if (entry.schedule_id === 'noted') return entry.paused && entry.note === 'until Monday';
    }
    return false;
  });
  await schedules().resume('noted', 'they are there');
  expect(await schedules().show('noted')).toMatchObject({ paused: false, note: 'they are there' });
});

describe('refused before anything is made:', () => {
  test.each<[string, Partial<ScheduleInput>, string]>([
    ['no times', { cron: [] }, 'USAGE'],
    ['a cron that is none', { cron: ['61 * * * *'] }, 'USAGE'],
    ['a time zone that does not exist', { ...yearly, timeZone: 'Mars/Olympus' }, 'USAGE'],
    ['a name with a slash', { ...yearly, id: 'a/b' }, 'USAGE'],
    ['a template with an unknown variable', { ...yearly, output: '/tmp/{{ moon }}' }, 'INVALID_INPUT'],
    ['a model that is no option', { ...yearly, spec: { limits: { concurrency: 0 } } }, 'USAGE'],
  ])('%s', async (_, options, code) => {
    const rig = await openRig();
    await expect(schedule(rig, 'refused', options)).rejects.toMatchObject({ code });
    await expect(schedules().show('refused')).rejects.toMatchObject({ code: 'SCHEDULE_NOT_FOUND' });
  });

  test('a name that is taken', async () => {
    const rig = await openRig();
    await schedule(rig, 'taken');
    const error: unknown = await schedule(rig, 'taken').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({ code: 'SCHEDULE_EXISTS' });
  });
});
