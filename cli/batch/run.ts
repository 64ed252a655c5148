import type { Command } from 'commander';
import type { Sluice } from '../../client/sluice.ts';
import type { Submission } from '../../client/submit.ts';
import { readConfig, withSluice } from '../connect.ts';
import { notice } from '../output.ts';
import { addSubmitOptions, toSubmitOptions, type SubmitFlags } from './options.ts';

export function addRun(batch: Command): void {
  addSubmitOptions(batch.command('run'))
    .description('run a batch and follow it to its end')
    .addHelpText(
      'after',
      [
        '\nCtrl-C leaves the batch running. The same command again comes back to it.',
        'Examples:',
        '  sluice batch run examples/prompts.csv -o out',
        '  sluice batch run prompts.jsonl -o out --concurrency 20 --budget 5 --json',
        '  sluice batch run prompts.csv -o out --resume',
      ].join('\n'),
    )
    .action((input: string, flags: SubmitFlags) => start(input, flags, { wait: true }));
}

export function addCreate(batch: Command): void {
  addSubmitOptions(batch.command('create'))
    .description('start a batch and return at once')
    .option('--wait', 'follow it to its end, as batch run does')
    .addHelpText('after', '\nExample:\n  sluice batch create prompts.csv -o out --json')
    .action((input: string, flags: SubmitFlags & { wait?: boolean }) =>
      start(input, flags, { wait: flags.wait === true }),
    );
}

async function start(input: string, flags: SubmitFlags, { wait }: { wait: boolean }): Promise<void> {
  const options = await toSubmitOptions(input, flags, await readConfig());
  const json = flags.json === true;
  if (flags.dryRun === true) {
    const { showPlan } = await import('./plan.ts');
    await showPlan(options, json);
    return;
  }
  await withSluice(async (sluice) => {
    const submission = await sluice.submit(options);
    await announce(submission, sluice);
    const { follow, showReport } = await import('./follow.ts');
    if (!wait) {
      showReport(await sluice.status(submission.batchId), json);
      return;
    }
    process.exitCode = await follow(sluice, submission.batchId, {
      fromRow: submission.attached ? 'now' : submission.fromRow,
      json,
      verbose: flags.verbose === true,
    });
  });
}

async function announce(submission: Submission, { live }: Sluice): Promise<void> {
  const { batchId, mode, services, attached, output, staged } = submission;
  if (submission.replayed === true) {
    notice(`Batch ${batchId} was started before with this key, to ${output}; nothing was started.`);
    return;
  }
  if (staged.encodingNotice !== undefined) notice(staged.encodingNotice);
  if (mode === 'emulated') {
    const { settingsOf } = await import('../../client/modes.ts');
    notice(
      [...services].every((service) => live.has(service))
        ? 'This batch was begun with the built-in emulator and goes on with it; --no-resume starts it anew.'
        : `No ${settingsOf(services)}: results come from the built-in emulator and cost nothing.`,
    );
  }
  if (attached) {
    notice(`Batch ${batchId} is running already, with the options it was started with; following it.`);
    notice(`  Change its limits with: sluice batch limits ${batchId}`);
    return;
  }
  const rejected = staged.rejected > 0 ? `, ${String(staged.rejected)} rows rejected` : '';
  notice(`Batch ${batchId}: ${String(staged.total)} items${rejected}, to ${output}`);
}
