import type { Command } from 'commander';
import type { Submission } from '../../client/submit.ts';
import { readConfig, withSluice } from '../connect.ts';
import { notice } from '../output.ts';
import { follow, showReport } from './follow.ts';
import { addSubmitOptions, toSubmitOptions, type SubmitFlags } from './options.ts';
import { showPlan } from './plan.ts';

export function addRun(batch: Command): void {
  addSubmitOptions(batch.command('run'))
    .description('run a batch and follow it to its end')
    .addHelpText('after', '\nExample:\n  sluice batch run examples/prompts.csv -o out\n  sluice batch run prompts.jsonl -o out --concurrency 20 --budget 5 --json')
    .action(async (input: string, flags: SubmitFlags) => {
      const options = toSubmitOptions(input, flags, readConfig());
      if (flags.dryRun === true) {
        await showPlan(options, flags.json === true);
        return;
      }
      await withSluice({ start: true }, async (sluice) => {
        const submission = await sluice.submit(options);
        announce(submission);
        process.exitCode = await follow(sluice, submission.batchId, {
          fromRow: submission.fromRow,
          json: flags.json === true,
          verbose: flags.verbose === true,
        });
      });
    });
}

export function addCreate(batch: Command): void {
  addSubmitOptions(batch.command('create'))
    .description('start a batch and return at once')
    .addHelpText('after', '\nExample:\n  sluice batch create prompts.csv -o out --json')
    .action(async (input: string, flags: SubmitFlags) => {
      const options = toSubmitOptions(input, flags, readConfig());
      if (flags.dryRun === true) {
        await showPlan(options, flags.json === true);
        return;
      }
      await withSluice({ start: true }, async (sluice) => {
        const submission = await sluice.submit(options);
        announce(submission);
        showReport(await sluice.status(submission.batchId), flags.json === true);
      });
    });
}

function announce({ batchId, mode, attached, staged }: Submission): void {
  if (staged.encodingNotice !== undefined) notice(staged.encodingNotice);
  if (mode === 'emulated') {
    notice('No GEMINI_API_KEY: images come from the built-in Gemini emulator and cost nothing.');
  }
  notice(
    attached
      ? `Batch ${batchId} is running already; following it.`
      : `Batch ${batchId}: ${String(staged.total)} items${staged.rejected > 0 ? `, ${String(staged.rejected)} rows rejected` : ''}.`,
  );
}
