import type { Command } from 'commander';
import type { LoraDatasetOptions } from '../client/lora-dataset.ts';
import { withSluice } from './connect.ts';
import { notice, print, printJson } from './output.ts';
import { wholeNumber } from './parse-number.ts';

type Flags = Omit<LoraDatasetOptions, 'directory'> & { output: string; json?: boolean };

/** Registers `sluice batch lora-dataset`. */
export function addLoraDataset(batch: Command): void {
  batch
    .command('lora-dataset')
    .description('copy a batch’s pictures and prompts to a folder that LoRA trainers read')
    .argument('<batch>', 'id of the batch')
    .requiredOption('-o, --output <dir>', 'directory that gets the folder <repeats>_<concept>')
    .option('--concept <name>', 'what is learnt (sprite)')
    .option('--repeats <n>', 'how often an epoch goes over each picture (10)', wholeNumber(1, 10_000))
    .option('--trigger <word>', 'put before every caption, so that the LoRA answers to it')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExample:\n  sluice batch lora-dataset batch_20260101_120000_ab12 -o train --concept knight --trigger myknight',
    )
    .action((batchId: string, { output: directory, json, ...options }: Flags) =>
      withSluice(async (sluice) => {
        const dataset = await sluice.loraDataset(batchId, { ...options, directory });
        if (dataset.left_out > 0) {
          notice(`${String(dataset.left_out)} pictures were left out: their files are gone or were changed.`);
        }
        if (json === true) printJson(dataset);
        else print(`${String(dataset.pictures)} pictures with captions in ${dataset.folder}`);
      }),
    );
}
