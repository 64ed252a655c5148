import type { Command } from 'commander';
import { SluiceError } from '../domain/errors.ts';
import { withSluice } from './connect.ts';
import { notice, print, printJson } from './output.ts';

interface CancelFlags {
  allQueued?: boolean;
  all?: boolean;
  json?: boolean;
}

/** Registers `sluice cancel`. */
export function addCancel(program: Command): void {
  program
    .command('cancel')
    .description('start no more items of one batch, of those that wait, or of all, and close them')
    .argument('[batch]', 'id of the batch')
    .option('--all-queued', 'batches of which nothing has run yet')
    .option('--all', 'all batches that run')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText(
      'after',
      [
        '\nPrompts on GPUs are cancelled there; paid calls under way finish first. Nothing is asked.',
        'Examples:',
        '  sluice cancel batch_20260101_120000_ab12',
        '  sluice cancel --all-queued',
      ].join('\n'),
    )
    .action(async (batchId: string | undefined, flags: CancelFlags) => {
      const which = flags.all === true ? 'all' : flags.allQueued === true ? 'queued' : null;
      const ways = [batchId !== undefined, flags.all === true, flags.allQueued === true].filter(Boolean).length;
      if (ways !== 1) {
        const problem = ways === 0 ? 'It is not said what to cancel.' : 'Only one of them can be meant.';
        throw new SluiceError('USAGE', problem, { action: 'Give the id of a batch, or --all-queued, or --all.' });
      }
      await withSluice(async (sluice) => {
        const cancelled: string[] = [];
        const tell = (id: string): void => {
          cancelled.push(id);
          if (flags.json !== true) print(`Batch ${id} is being cancelled.`);
        };
        if (batchId !== undefined) {
          await sluice.cancel(batchId);
          tell(batchId);
        } else if (which !== null) {
          for await (const { batch_id: id } of sluice.cancelMany(which)) tell(id);
        }
        if (flags.json === true) printJson({ cancelled });
        else if (cancelled.length === 0) notice(which === 'queued' ? 'No batch is queued.' : 'No batch runs.');
      });
    });
}
