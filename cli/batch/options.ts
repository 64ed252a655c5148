import { Option, type Command } from 'commander';
import { isAddress, sourceOf } from '../../client/input/source.ts';
import type { Job } from '../../client/job-file.ts';
import type { SubmitOptions } from '../../client/submit.ts';
import type { Config } from '../../client/config.ts';
import type { BatchSpecInput } from '../../domain/batch-spec.ts';
import { defined } from '../../domain/defined.ts';
import { priorities, type PriorityName } from '../../domain/priority.ts';
import { keyValue } from '../key-value.ts';
import { limitOf, numberFrom, numberOrNone, wholeNumber, type NumberOrNone } from '../parse-number.ts';

/** What `batch run` and `batch create` take. */
export interface SubmitFlags {
  output?: string;
  flow?: string;
  format?: 'auto' | 'csv' | 'jsonl';
  encoding?: string;
  project?: string;
  model?: string;
  concurrency?: number;
  rateLimit?: NumberOrNone;
  budget?: number;
  resumeNextDay?: boolean;
  priority?: PriorityName;
  deadline?: string;
  errorPolicy?: 'continue' | 'stop';
  toleratedFailures?: number;
  toleratedFailurePercent?: number;
  maxAttempts?: number;
  timeout?: number;
  itemTimeout?: number;
  param?: Record<string, unknown>;
  shuffle?: boolean;
  shuffleSeed?: number;
  maxRecords?: number;
  interactive?: boolean;
  cache?: boolean;
  idempotencyKey?: string;
  webhook?: string[];
  resume?: boolean;
  dryRun?: boolean;
  json?: boolean;
  verbose?: boolean;
}

export function addSubmitOptions(command: Command): Command {
  command
    .argument(
      '<input>',
      'CSV or JSONL file, job (.json), pattern of text files, http(s) address, or - for standard input',
    )
    .option('-o, --output <dir>', 'directory (or store address) for images, metadata and results');
  return addSpecOptions(command)
    .option('--interactive', 'steps that ask a person wait for the answer; else they answer as the flow says')
    .option('--no-interactive', 'they answer as the flow says (default)')
    .option('--cache', 'use results of earlier batches again where nothing differs (flows of several steps do)')
    .option('--no-cache', 'make everything anew, and keep nothing for other batches')
    .option('--idempotency-key <key>', 'the same key and input start no second batch')
    .option('--resume', 'do only what is missing or failed in a directory that holds a finished batch')
    .option('--no-resume', 'start anew over a directory that holds a finished batch')
    .option('--dry-run', 'check the input and show plan, models, time and cost; start nothing')
    .option('--json', 'print one JSON object instead of text')
    .option('-v, --verbose', 'tell more while it runs');
}

/** How the input is read and the batch is run; of schedules too. */
export function addSpecOptions(command: Command): Command {
  return command
    .addOption(new Option('--format <format>', 'format of the input').choices(['auto', 'csv', 'jsonl']).default('auto'))
    .option('--encoding <name>', 'encoding of the input (found out if not given)')
    .option('--flow <name>', 'flow to run, or path of its file (image)')
    .option('--param <key=value>', 'parameter of the flow; may be repeated', keyValue)
    .option('--shuffle', 'run the items in an order of chance')
    .option('--shuffle-seed <n>', 'the order that this number repeats', wholeNumber(0, 2_147_483_647))
    .option(
      '--max-records <n>',
      'only that many items: the first, or of a shuffled input a sample',
      wholeNumber(1, 1e9),
    )
    .option('--project <name>', 'project the batch belongs to (default)')
    .option('--model <name>', 'model for rows that name none (by the row’s quality)')
    .option('--concurrency <n>', 'items worked on at once, 1–50 (10)', wholeNumber(1, 50))
    .option(
      '--rate-limit <n>',
      'requests a minute, 1–300, or "none" for the models’ own (60)',
      numberOrNone(wholeNumber(1, 300)),
    )
    .option('--budget <usd>', 'stop before spending more than this', numberFrom(0))
    .option('--resume-next-day', 'after a budget of the day, go on by itself when the day (of UTC) is over')
    .addOption(new Option('--priority <priority>', 'what goes first (normal)').choices(priorities))
    .option('--deadline <moment>', 'raise the priority as this nears: high 3 days before, critical 24 hours before')
    .addOption(
      new Option('--error-policy <policy>', 'go on after a failed item, or stop (continue)').choices([
        'continue',
        'stop',
      ]),
    )
    .option('--tolerated-failures <n>', 'pause when more items than this have failed', wholeNumber(0, 1e9))
    .option('--tolerated-failure-percent <n>', 'pause when a larger share than this has failed', numberFrom(0, 100))
    .option('--max-attempts <n>', 'calls an item may lose to its own failures (3)', wholeNumber(1, 20))
    .option('--timeout <seconds>', 'longest a single call may take (120, or as the flow says)', numberFrom(0.1, 3600))
    .option(
      '--item-timeout <seconds>',
      'longest the steps of an item may work together (as the flow says)',
      numberFrom(0.1, 86_400),
    )
    .option('--webhook <targets...>', 'tell these too: addresses, or names in the configuration');
}

/** Flags win over what a job says, and that over the configuration's defaults. */
export async function toSubmitOptions(input: string, flags: SubmitFlags, config: Config): Promise<SubmitOptions> {
  const job = /\.json$/i.test(input) && !isAddress(input) ? await readJobFile(input) : null;
  const output = flags.output ?? config.defaults.output;
  return {
    input: job?.input ?? (input === '-' ? { stream: process.stdin } : sourceOf(input)),
    output: output ?? job?.jobId,
    format: flags.format,
    encoding: flags.encoding,
    idempotencyKey: flags.idempotencyKey,
    resume: flags.resume,
    shuffle: flags.shuffle,
    spec: job === null ? toSpec(flags, config) : merged(toSpec({}, config), job.spec, toSpec(flags, { defaults: {} })),
  };
}

async function readJobFile(path: string): Promise<Job | null> {
  const { readJob } = await import('../../client/job-file.ts');
  return readJob(path);
}

/** Setting by setting, the last wins. */
function merged(...specs: BatchSpecInput[]): BatchSpecInput {
  return specs.reduce((weaker, stronger) => ({
    ...weaker,
    ...stronger,
    limits: { ...weaker.limits, ...stronger.limits },
    retry: { ...weaker.retry, ...stronger.retry },
  }));
}

export function toSpec(flags: SubmitFlags, { defaults }: Pick<Config, 'defaults'>): BatchSpecInput {
  return {
    ...defined({
      flow: flags.flow,
      parameters: flags.param as BatchSpecInput['parameters'],
      shuffle: flags.shuffleSeed === undefined ? undefined : { seed: flags.shuffleSeed },
      maxRecords: flags.maxRecords,
      project: flags.project,
      model: flags.model ?? defaults.model,
      interactive: flags.interactive,
      cache: flags.cache,
      priority: flags.priority,
      deadline: flags.deadline,
      resumeNextDay: flags.resumeNextDay,
      errorPolicy: flags.errorPolicy ?? defaults.error_policy,
      webhooks: flags.webhook,
      timeoutMs: flags.timeout === undefined ? defaults.timeout_ms : Math.round(flags.timeout * 1000),
      itemTimeoutMs: flags.itemTimeout === undefined ? undefined : Math.round(flags.itemTimeout * 1000),
    }),
    limits: {
      ...defined({
        concurrency: flags.concurrency ?? defaults.concurrency,
        ratePerMinute: flags.rateLimit === undefined ? defaults.rate_limit : limitOf(flags.rateLimit),
        budgetUsd: flags.budget ?? defaults.budget_usd,
      }),
      toleratedFailure: defined({ count: flags.toleratedFailures, percent: flags.toleratedFailurePercent }),
    },
    retry: defined({ maxAttempts: flags.maxAttempts ?? defaults.max_attempts }),
  };
}
