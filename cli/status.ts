import type { Command } from 'commander';
import type { Sluice } from '../client/sluice.ts';
import { SluiceError } from '../domain/errors.ts';
import { withSluice } from './connect.ts';
import { print, printJson } from './output.ts';
import { renderOverview, renderPrompts, renderStats } from './render/overview.ts';

interface StatusFlags {
  watch?: boolean;
  stats?: boolean;
  all?: boolean;
  json?: boolean;
  verbose?: boolean;
}

/** Registers `sluice status`. */
export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the batches that run and the GPUs, or how one batch stands')
    .argument('[batch]', 'id of a batch')
    .option('--watch', 'follow: one batch to its end, or all until none runs; Ctrl-C leaves them running')
    .option('--stats', 'totals over all batches instead')
    .option('--all', 'closed batches too')
    .option('--json', 'print one JSON object instead of text')
    .option('-v, --verbose', 'with a batch and --watch: tell every item')
    .addHelpText(
      'after',
      [
        '\nExamples:',
        '  sluice status',
        '  sluice status batch_20260101_120000_ab12 --watch',
        '  sluice status --stats --json',
      ].join('\n'),
    )
    .action(async (batchId: string | undefined, flags: StatusFlags) => {
      checkFlags(batchId, flags);
      await withSluice(async (sluice) => {
        if (batchId !== undefined) await showBatch(sluice, batchId, flags);
        else if (flags.stats === true) await showStats(sluice, flags.json === true);
        else if (flags.watch === true) await watchOverview(sluice, flags);
        else await showOverview(sluice, flags);
      });
    });
}

/** Prints totals over all batches. */
export async function showStats(sluice: Sluice, json: boolean): Promise<void> {
  const stats = await sluice.stats();
  if (json) printJson(stats);
  else print(renderStats(stats));
}

function checkFlags(batchId: string | undefined, { watch, stats, all }: StatusFlags): void {
  if (batchId !== undefined && (stats === true || all === true)) {
    throw new SluiceError('USAGE', '--stats and --all are about all batches.', { action: 'Leave the batch out.' });
  }
  if (stats === true && (watch === true || all === true)) {
    throw new SluiceError('USAGE', '--stats counts all batches once.', { action: 'Leave out --watch and --all.' });
  }
}

async function showBatch(sluice: Sluice, batchId: string, flags: StatusFlags): Promise<void> {
  const { follow, showReport } = await import('./batch/follow.ts');
  const json = flags.json === true;
  if (flags.watch === true) {
    process.exitCode = await follow(sluice, batchId, { fromRow: 'now', json, verbose: flags.verbose === true });
    return;
  }
  const report = await sluice.status(batchId);
  if (!['running', 'waiting', 'paused'].includes(report.status)) {
    if (json) printJson({ ...report, ahead: null, prompts: [] });
    else showReport(report, false);
    return;
  }
  const prompts = await sluice.promptsUnderWay(batchId, await sluice.progress(batchId));
  const ahead = await sluice.itemsAhead(batchId);
  if (json) {
    printJson({ ...report, ahead, prompts });
    return;
  }
  showReport(report, false);
  const lines = renderPrompts(prompts, ahead);
  if (lines !== '') print(lines);
}

async function showOverview(sluice: Sluice, flags: StatusFlags): Promise<void> {
  const overview = await sluice.overview({ all: flags.all === true });
  if (flags.json === true) printJson(overview);
  else print(renderOverview(overview));
}

async function watchOverview(sluice: Sluice, flags: StatusFlags): Promise<void> {
  const { followOverview } = await import('./follow-overview.ts');
  await followOverview(sluice, { all: flags.all === true, json: flags.json === true });
}
