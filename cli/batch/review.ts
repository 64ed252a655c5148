import type { Command } from 'commander';
import { SluiceError } from '../../domain/errors.ts';
import { withSluice } from '../connect.ts';
import { print, printJson } from '../output.ts';

interface ReviewFlags {
  approve?: boolean;
  reject?: boolean;
  note?: string;
  json?: boolean;
}

/** Registers `sluice batch review` and `sluice batch reviews`. */
export function addReview(batch: Command): void {
  batch
    .command('review')
    .description('approve or reject what an item made; what is rejected is made again')
    .argument('<batch>', 'id of the batch')
    .argument('<item>', 'id of the item')
    .option('--approve', 'it is good')
    .option('--reject', 'make it again, with another seed')
    .option('--note <text>', 'what to change: said to the model after the prompt')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  sluice batch review batch_20260101_120000_ab12 fox-7 --reject --note "with a red scarf"',
    )
    .action((batchId: string, itemId: string, { approve, reject, note, json }: ReviewFlags) => {
      if ((approve === true) === (reject === true)) {
        throw new SluiceError('USAGE', 'It is not said what the review is.', {
          action: 'Give --approve, or --reject.',
        });
      }
      const decision = approve === true ? 'approve' : 'reject';
      return withSluice(async (sluice) => {
        const review = await sluice.reviews.give({ batchId, itemId }, { decision, note });
        if (json === true) printJson(review);
        else if (decision === 'approve') print(`Approved: ${itemId}`);
        else print(`Rejected: ${itemId} is made again. Follow it with: sluice batch watch ${batchId}`);
      });
    });

  batch
    .command('reviews')
    .description('show what people said of finished items, the latest of each')
    .argument('<batch>', 'id of the batch')
    .option('--json', 'print one JSON object a review')
    .addHelpText('after', '\nExample:\n  sluice batch reviews batch_20260101_120000_ab12')
    .action((batchId: string, { json }: { json?: boolean }) =>
      withSluice(async (sluice) => {
        for (const review of await sluice.reviews.list(batchId)) {
          const { request_id: itemId, decision, note } = review;
          if (json === true) printJson(review);
          else print(`${decision}  ${itemId}${note === null ? '' : `  ${note}`}`);
        }
      }),
    );
}
