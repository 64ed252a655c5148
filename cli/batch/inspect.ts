import { Option, type Command } from 'commander';
import type { ItemStatus, ResultRow } from '../../domain/result.ts';
import { SluiceError } from '../../domain/errors.ts';
import { withSluice } from '../connect.ts';
import { notice, print, printJson } from '../output.ts';
import { wholeNumber } from '../parse-number.ts';

/** Written out, because the schema they come from is slow to load. */
const statuses = ['succeeded', 'failed', 'cancelled'] as const satisfies readonly ItemStatus[];

export function addInspection(batch: Command): void {
  batch
    .command('list')
    .description('list batches: those that have not closed, then the latest')
    .option('--limit <n>', 'at most this many (20)', wholeNumber(1, 100_000), 20)
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExample:\n  sluice batch list --limit 5')
    .action((flags: { limit: number; json?: boolean }) =>
      withSluice(async (sluice) => {
        let any = false;
        for await (const entry of sluice.list({ limit: flags.limit })) {
          any = true;
          if (flags.json === true) printJson(entry);
          else
            print(
              `${entry.batch_id}  ${entry.status.padEnd(10)}  ${String(entry.total).padStart(7)} items  ${entry.started_at}  ${entry.output}`,
            );
        }
        if (!any && flags.json !== true)
          notice('No batch yet. Start one with: sluice batch run examples/prompts.csv -o out');
      }),
    );

  batch
    .command('status')
    .description('show how a batch stands')
    .argument('<batch>', 'id of the batch')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice batch status batch_20260101_120000_ab12 --json')
    .action((batchId: string, flags: { json?: boolean }) =>
      withSluice(async (sluice) => {
        const { showReport } = await import('./follow.ts');
        showReport(await sluice.status(batchId), flags.json === true);
      }),
    );

  batch
    .command('stats')
    .description('show totals over all batches: by state, items, failures, pictures, cost')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice batch stats --json')
    .action((flags: { json?: boolean }) =>
      withSluice(async (sluice) => {
        const { showStats } = await import('../status.ts');
        await showStats(sluice, flags.json === true);
      }),
    );

  batch
    .command('watch')
    .description('follow a batch to its end')
    .argument('<batch>', 'id of the batch')
    .option('--json', 'print one JSON object at the end')
    .option('-v, --verbose', 'tell every item')
    .addHelpText('after', '\nExample:\n  sluice batch watch batch_20260101_120000_ab12')
    .action((batchId: string, flags: { json?: boolean; verbose?: boolean }) =>
      withSluice(async (sluice) => {
        const { follow } = await import('./follow.ts');
        const options = { fromRow: 'now' as const, json: flags.json === true, verbose: flags.verbose === true };
        process.exitCode = await follow(sluice, batchId, options);
      }),
    );

  batch
    .command('jobs')
    .description('list the items of a batch that have ended')
    .argument('<batch>', 'id of the batch')
    .addOption(new Option('--status <status>', 'only these').choices(statuses))
    .option('--attempts', 'every result there ever was, also of items that were run again since')
    .option('--limit <n>', 'at most this many', wholeNumber(1, 1e9))
    .option('--json', 'print one JSON object a line, as in results.jsonl')
    .addHelpText('after', '\nExample:\n  sluice batch jobs batch_20260101_120000_ab12 --status failed')
    .action((batchId: string, flags: { status?: ItemStatus; attempts?: boolean; limit?: number; json?: boolean }) =>
      withSluice(async (sluice) => {
        const { json, ...options } = flags;
        for await (const row of sluice.jobs(batchId, options)) {
          if (json === true) printJson(row);
          else print(jobLine(row));
        }
      }),
    );

  batch
    .command('report')
    .description('print the Markdown report of a finished batch')
    .argument('<batch>', 'id of the batch')
    .addHelpText('after', '\nExample:\n  sluice batch report batch_20260101_120000_ab12 > report.md')
    .action((batchId: string) =>
      withSluice(async (sluice) => {
        const report = await sluice.report(batchId);
        if (report === null) {
          throw new SluiceError(
            'BATCH_RUNNING',
            `Batch ${batchId} has no report yet: it is written when the batch ends.`,
            {
              action: `See how it stands with: sluice batch status ${batchId}`,
            },
          );
        }
        print(report.trimEnd());
      }),
    );
}

function jobLine(row: ResultRow): string {
  const what =
    row.status === 'succeeded' ? (row.output_path ?? '') : `${row.error_code ?? ''}: ${row.error_message ?? ''}`;
  return `${row.request_id}  ${row.status.padEnd(9)}  ${row.model}  ${row.processing_time_seconds.toFixed(1)} s  ${what}`;
}
