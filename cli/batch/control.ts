import type { Command } from 'commander';
import type { Limits, LimitsChange } from '../../domain/batch-spec.ts';
import { formatBytes, formatCount, formatUsd } from '../../domain/format.ts';
import { withSluice } from '../connect.ts';
import { exitStatus } from '../exit-status.ts';
import { describeProblem, notice, print, printJson } from '../output.ts';
import { keyValue } from '../key-value.ts';
import { durationMs, limitOf, numberFrom, numberOrNone, wholeNumber, type NumberOrNone } from '../parse-number.ts';

interface LimitFlags {
  concurrency?: number;
  rateLimit?: NumberOrNone;
  budget?: NumberOrNone;
  toleratedFailures?: NumberOrNone;
}

interface RetryFlags {
  code?: string[];
  item?: string[];
  model?: string;
  param?: Record<string, unknown>;
  wait?: boolean;
  json?: boolean;
}

export function addControl(batch: Command): void {
  batch
    .command('pause')
    .description('start no more items; those under way finish')
    .argument('<batch>', 'id of the batch')
    .addHelpText('after', '\nExample:\n  sluice batch pause batch_20260101_120000_ab12')
    .action((batchId: string) =>
      withSluice(async (sluice) => {
        await sluice.pause(batchId);
        print(`Batch ${batchId} is paused. Go on with: sluice batch resume ${batchId}`);
      }),
    );

  addLimitOptions(batch.command('resume'))
    .description('go on with a paused batch, with other limits if given')
    .addHelpText('after', '\nExample:\n  sluice batch resume batch_20260101_120000_ab12 --budget 20')
    .action((batchId: string, flags: LimitFlags) =>
      withSluice(async (sluice) => {
        const change = toChange(flags);
        if (Object.keys(change).length > 0) await sluice.setLimits(batchId, change);
        await sluice.resume(batchId);
        print(`Batch ${batchId} goes on. Follow it with: sluice batch watch ${batchId}`);
      }),
    );

  addLimitOptions(batch.command('limits'))
    .description('show the limits of a running batch, or change them')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  sluice batch limits batch_20260101_120000_ab12 --concurrency 20 --rate-limit none',
    )
    .action((batchId: string, flags: LimitFlags & { json?: boolean }) =>
      withSluice(async (sluice) => {
        const change = toChange(flags);
        const changes = Object.keys(change).length > 0;
        const limits = changes ? await sluice.setLimits(batchId, change) : (await sluice.progress(batchId)).limits;
        if (flags.json === true) printJson(limits);
        else print(renderLimits(limits));
      }),
    );

  batch
    .command('cancel')
    .description('start no more items, let calls under way finish, and close the batch')
    .argument('<batch>', 'id of the batch')
    .addHelpText('after', '\nExample:\n  sluice batch cancel batch_20260101_120000_ab12')
    .action((batchId: string) =>
      withSluice(async (sluice) => {
        await sluice.cancel(batchId);
        print(`Batch ${batchId} is being cancelled; calls under way are paid for and finish first.`);
      }),
    );

  batch
    .command('retry')
    .description('run items again that failed, or were cancelled')
    .argument('<batch>', 'id of the batch')
    .option('--code <codes...>', 'only items that failed with one of these codes')
    .option('--item <ids...>', 'only these items')
    .option('--model <model>', 'call this model instead, in steps of its kind that are not finished or failed a check')
    .option(
      '--param <key=value...>',
      'change parameters of the flow; steps that depend on them are done again',
      keyValue,
    )
    .option('--wait', 'follow the batch to its end')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  sluice batch retry batch_20260101_120000_ab12 --code TIMEOUT UNAVAILABLE --wait',
    )
    .action((batchId: string, flags: RetryFlags) =>
      withSluice(async (sluice) => {
        const { items, fromRow } = await sluice.retry(batchId, {
          ...(flags.code === undefined ? {} : { codes: flags.code }),
          ...(flags.item === undefined ? {} : { itemIds: flags.item }),
          ...(flags.model === undefined ? {} : { model: flags.model }),
          ...(flags.param === undefined ? {} : { parameters: flags.param }),
        });
        const what = items === null ? 'what did not succeed' : items === 1 ? '1 item' : `${String(items)} items`;
        notice(`Batch ${batchId} runs ${what} again.`);
        const { follow, showReport } = await import('./follow.ts');
        const json = flags.json === true;
        if (flags.wait === true) process.exitCode = await follow(sluice, batchId, { fromRow, json, verbose: false });
        else showReport(await sluice.status(batchId), json);
      }),
    );

  batch
    .command('clean')
    .description('remove the files of batches that have closed')
    .requiredOption('--older-than <age>', 'closed at least this long ago, e.g. 12h, 7d, 2w', durationMs)
    .option('--dry-run', 'only tell what would be removed')
    .addHelpText('after', '\nExample:\n  sluice batch clean --older-than 30d --dry-run')
    .action((flags: { olderThan: number; dryRun?: boolean }) =>
      withSluice(async (sluice) => {
        let count = 0;
        let failed = 0;
        const dryRun = flags.dryRun === true;
        for await (const cleaned of sluice.clean({ olderThanMs: flags.olderThan, dryRun })) {
          const { batch_id, output, files, bytes, directory_removed, error } = cleaned;
          if (error !== null) {
            failed += 1;
            notice(`could not clean ${batch_id}: ${describeProblem(error)}`);
            continue;
          }
          count += 1;
          const size = `${formatCount(files)} files, ${formatBytes(bytes)}`;
          print(`${dryRun ? 'would remove' : 'removed'} ${batch_id}  ${size}  ${output}`);
          if (!dryRun && !directory_removed) notice('  The directory stays: it holds files that are not the batch’s.');
        }
        const others = failed === 0 ? '' : `, ${counted(failed)} could not be cleaned`;
        notice(`${counted(count)} ${dryRun ? 'would go' : 'removed'}${others}.`);
        if (failed > 0) process.exitCode = exitStatus.error;
      }),
    );
}

function counted(batches: number): string {
  return batches === 1 ? '1 batch' : `${formatCount(batches)} batches`;
}

function addLimitOptions(command: Command): Command {
  return command
    .argument('<batch>', 'id of the batch')
    .option('--concurrency <n>', 'items worked on at once, 1–50', wholeNumber(1, 50))
    .option('--rate-limit <n>', 'requests a minute, 1–300, or "none"', numberOrNone(wholeNumber(1, 300)))
    .option('--budget <usd>', 'cap in USD, or "none"', numberOrNone(numberFrom(0)))
    .option(
      '--tolerated-failures <n>',
      'pause when more items than this have failed, or "none"',
      numberOrNone(wholeNumber(0, 1e9)),
    );
}

function toChange(flags: LimitFlags): LimitsChange {
  return {
    ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
    ...(flags.rateLimit === undefined ? {} : { ratePerMinute: limitOf(flags.rateLimit) }),
    ...(flags.budget === undefined ? {} : { budgetUsd: limitOf(flags.budget) }),
    ...(flags.toleratedFailures === undefined
      ? {}
      : { toleratedFailure: { count: limitOf(flags.toleratedFailures), percent: null, minSample: 10 } }),
  };
}

function renderLimits({ concurrency, ratePerMinute, budgetUsd, toleratedFailure }: Limits): string {
  const { count, percent, minSample } = toleratedFailure;
  const tolerated = [
    ...(count === null ? [] : [`${formatCount(count)} items`]),
    ...(percent === null ? [] : [`${String(percent)}% of at least ${formatCount(minSample)}`]),
  ];
  return [
    `concurrency         ${String(concurrency)}`,
    `rate limit          ${ratePerMinute === null ? 'none but the models’ own' : `${String(ratePerMinute)} requests a minute`}`,
    `budget              ${budgetUsd === null ? 'none' : formatUsd(budgetUsd)}`,
    `tolerated failures  ${tolerated.join(', ') || 'any'}`,
  ].join('\n');
}
