import { Option, type Command } from 'commander';
import type { ScheduleInput } from '../client/schedules.ts';
import { defined } from '../domain/defined.ts';
import { overlapPolicies, type OverlapPolicy } from '../domain/overlap.ts';
import { addSpecOptions, toSpec, type SubmitFlags } from './batch/options.ts';
import { readConfig, withSluice } from './connect.ts';
import { notice, print, printJson } from './output.ts';
import { durationMs } from './parse-number.ts';
import { renderSchedule, renderScheduleLine } from './render/schedule.ts';

interface CreateFlags extends SubmitFlags {
  cron?: string[];
  every?: number;
  offset?: number;
  timeZone?: string;
  overlap?: OverlapPolicy;
  catchUp?: number;
  jitter?: number;
  startAt?: string;
  endAt?: string;
  pauseOnFailure?: boolean;
  paused?: boolean;
  note?: string;
}

const overlapOption = (): Option =>
  new Option('--overlap <policy>', 'what becomes of a run that is due while another is under way').choices(
    overlapPolicies,
  );

export function addSchedule(program: Command): void {
  const schedule = program
    .command('schedule')
    .description('run batches again and again, by the clock')
    .addHelpText('after', '\nExample:\n  sluice schedule create nightly prompts.csv -o nightly --cron "0 2 * * *"');
  addCreate(schedule);
  addLooks(schedule);
  addControl(schedule);
}

function addCreate(schedule: Command): void {
  const create = schedule
    .command('create')
    .description('make a schedule; each run reads the input anew')
    .argument('<name>', 'name of the schedule; ids of its batches begin with it')
    .argument('<input>', 'path of a CSV or JSONL file; may be a template, such as "prompts/{{ date }}.csv"')
    .requiredOption('-o, --output <dir>', 'where runs go; each gets a directory by its date, or by a template in it')
    .option('--cron <expressions...>', 'when, as cron: "0 2 * * *", or @daily')
    .option('--every <duration>', 'when, as an interval: 6h', durationMs)
    .option('--offset <duration>', 'of the interval, from midnight UTC', durationMs)
    .option('--time-zone <name>', 'of --cron and of dates in names (UTC)')
    .addOption(overlapOption().default(undefined, 'skip'))
    .option('--catch-up <duration>', 'how late a missed run is still made (1d)', durationMs)
    .option('--jitter <duration>', 'begin each run up to this much later, by chance', durationMs)
    .option('--start-at <time>', 'no run before, ISO 8601')
    .option('--end-at <time>', 'no run after, ISO 8601')
    .option('--pause-on-failure', 'pause when a run cannot be staged')
    .option('--paused', 'make it paused')
    .option('--note <text>', 'what it is for');
  addSpecOptions(create)
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  sluice schedule create nightly prompts.csv -o nightly --cron "0 2 * * *" --time-zone Europe/Berlin',
        '  sluice schedule create daily "inbox/{{ date }}.csv" -o "out/{{ year }}/{{ date }}" --every 1d --budget 5',
      ].join('\n'),
    )
    .action(async (id: string, input: string, flags: CreateFlags & { output: string }) => {
      const options = toScheduleInput(id, input, flags, toSpec(flags, await readConfig()));
      await withSluice(async (sluice) => {
        const report = await sluice.schedules.create(options);
        if (flags.json === true) printJson(report);
        else print(renderSchedule(report));
        if (report.mode === 'emulated') notice('No GEMINI_API_KEY: its runs will use the built-in emulator.');
      });
    });
}

function toScheduleInput(
  id: string,
  input: string,
  flags: CreateFlags & { output: string },
  spec: ScheduleInput['spec'],
): ScheduleInput {
  return {
    id,
    input,
    output: flags.output,
    spec,
    ...(flags.every === undefined ? {} : { every: { everyMs: flags.every, offsetMs: flags.offset ?? 0 } }),
    ...defined({
      format: flags.format,
      encoding: flags.encoding,
      cron: flags.cron,
      timeZone: flags.timeZone,
      overlap: flags.overlap,
      catchUpMs: flags.catchUp,
      jitterMs: flags.jitter,
      startAt: flags.startAt,
      endAt: flags.endAt,
      pauseOnFailure: flags.pauseOnFailure,
      paused: flags.paused,
      note: flags.note,
    }),
  };
}

function addLooks(schedule: Command): void {
  schedule
    .command('list')
    .description('schedules, with their next run')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExample:\n  sluice schedule list')
    .action((flags: { json?: boolean }) =>
      withSluice(async (sluice) => {
        for await (const entry of sluice.schedules.list()) {
          if (flags.json === true) printJson(entry);
          else print(renderScheduleLine(entry));
        }
      }),
    );

  schedule
    .command('show')
    .description('a schedule, its next runs and the latest ones with their batches')
    .argument('<name>', 'name of the schedule')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice schedule show nightly')
    .action((id: string, flags: { json?: boolean }) =>
      withSluice(async (sluice) => {
        const report = await sluice.schedules.show(id);
        if (flags.json === true) printJson(report);
        else print(renderSchedule(report));
      }),
    );
}

function addControl(schedule: Command): void {
  schedule
    .command('pause')
    .description('make no more runs; those under way go on')
    .argument('<name>', 'name of the schedule')
    .option('--note <text>', 'why')
    .addHelpText('after', '\nExample:\n  sluice schedule pause nightly --note "until the new prompts are there"')
    .action((id: string, flags: { note?: string }) =>
      withSluice(async (sluice) => {
        await sluice.schedules.pause(id, flags.note);
        print(`Schedule ${id} is paused. Go on with: sluice schedule resume ${id}`);
      }),
    );

  schedule
    .command('resume')
    .description('make runs again')
    .argument('<name>', 'name of the schedule')
    .option('--note <text>', 'why')
    .addHelpText('after', '\nExample:\n  sluice schedule resume nightly')
    .action((id: string, flags: { note?: string }) =>
      withSluice(async (sluice) => {
        await sluice.schedules.resume(id, flags.note);
        print(`Schedule ${id} goes on.`);
      }),
    );

  schedule
    .command('run')
    .description('make a run now')
    .argument('<name>', 'name of the schedule')
    .addHelpText('after', '\nExample:\n  sluice schedule run nightly')
    .action((id: string) =>
      withSluice(async (sluice) => {
        await sluice.schedules.run(id);
        print(`Schedule ${id} makes a run. See it with: sluice schedule show ${id}`);
      }),
    );

  schedule
    .command('backfill')
    .description('make the runs of a time that has passed; those that were made do only what is missing')
    .argument('<name>', 'name of the schedule')
    .requiredOption('--from <time>', 'ISO 8601, inclusive')
    .requiredOption('--to <time>', 'ISO 8601, inclusive')
    .addOption(overlapOption().default(undefined, 'buffer-all: one after the other'))
    .addHelpText(
      'after',
      '\nExample:\n  sluice schedule backfill nightly --from 2026-01-01T00:00:00Z --to 2026-01-07T23:59:59Z',
    )
    .action((id: string, flags: { from: string; to: string; overlap?: OverlapPolicy }) =>
      withSluice(async (sluice) => {
        await sluice.schedules.backfill(id, flags);
        print(`Schedule ${id} makes up for those runs. See them with: sluice schedule show ${id}`);
      }),
    );

  schedule
    .command('delete')
    .description('remove the schedule; its batches stay, also one that runs')
    .argument('<name>', 'name of the schedule')
    .addHelpText('after', '\nExample:\n  sluice schedule delete nightly')
    .action((id: string) =>
      withSluice(async (sluice) => {
        await sluice.schedules.delete(id);
        print(`Schedule ${id} is deleted.`);
      }),
    );
}
