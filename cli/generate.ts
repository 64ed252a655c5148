import { InvalidArgumentError, type Command } from 'commander';
import type { SpriteOptions, SpritePlan } from '../client/sprites.ts';
import { SluiceError } from '../domain/errors.ts';
import { withSluice } from './connect.ts';
import { notice } from './output.ts';
import { wholeNumber } from './parse-number.ts';
import {
  addPromptOptions,
  addSpriteOptions,
  maxSeed,
  parseLora,
  toSpriteOptions,
  type SpriteFlags,
} from './sprite-options.ts';

interface GenerateFlags extends SpriteFlags {
  batchSize?: number | 'auto';
  model?: string;
  lora?: { name: string; strength?: number }[];
  output?: string;
  wait?: boolean;
  monitor?: boolean;
  verbose?: boolean;
}

/** Registers `sluice generate`. */
export function addGenerate(program: Command): void {
  const command = addPromptOptions(program.command('generate').description('make sprites on ComfyUI servers'))
    .option('--count <n>', 'pictures of each prompt (1)', wholeNumber(1, 1_000_000))
    .option(
      '--seed <n>',
      'of the first prompt on the GPU; the next have those that follow (random)',
      wholeNumber(0, maxSeed),
    )
    .option('--batch-size <n>', 'pictures a prompt on the GPU: 1 to 64, or auto (the profile’s)', batchSize)
    .option('--model <name>', 'checkpoint, as the server calls it (the graph’s)')
    .option('--lora <name[:strength]>', 'LoRA, as the server calls it; may be given more than once', lora);
  addSpriteOptions(command)
    .option('-o, --output <dir>', 'directory for the pictures')
    .option('--wait, --monitor', 'follow the batch to its end')
    .option('-v, --verbose', 'tell more while it runs')
    .addHelpText(
      'after',
      [
        '\nWithout gpus: in the configuration a built-in emulator makes placeholder pictures.',
        'Examples:',
        '  sluice generate --prompt "pixel art knight" --count 8 --wait',
        '  sluice generate --prompts-file prompts.txt --profile speed --priority high',
      ].join('\n'),
    )
    .action(async (flags: GenerateFlags) => {
      const { lora: loras, ...same } = flags;
      const options: SpriteOptions = { ...(await toSpriteOptions(same)), loras };
      await withSluice(async (sluice) => {
        const { plan, submission } = await sluice.generate(options).catch((error: unknown) => {
          if (!(error instanceof SluiceError) || error.code !== 'OUTPUT_EXISTS') throw error;
          const action = 'Choose another directory with -o, or run what failed again with: sluice batch retry';
          throw new SluiceError(error.code, error.message, { action, cause: error });
        });
        announce(plan, submission, sluice.gpuMode === 'emulated');
        const { follow, showReport } = await import('./batch/follow.ts');
        if (flags.wait !== true && flags.monitor !== true) {
          showReport(await sluice.status(submission.batchId), flags.json === true);
          return;
        }
        process.exitCode = await follow(sluice, submission.batchId, {
          fromRow: submission.fromRow,
          json: flags.json === true,
          verbose: flags.verbose === true,
        });
      });
    });
}

function announce(plan: SpritePlan, { batchId, output }: { batchId: string; output: string }, emulated: boolean): void {
  if (emulated) notice('No gpus: in the configuration: pictures come from the built-in ComfyUI emulator.');
  if (plan.unused.length > 0) notice(`The graph has no place for: ${plan.unused.join(', ')}; left as it is.`);
  const { pictures, items, profile, seed } = plan;
  notice(
    `Batch ${batchId}: ${String(pictures)} pictures in ${String(items)} items, profile ${profile}, seed ${String(seed)}, to ${output}`,
  );
}

function lora(
  value: string,
  before: { name: string; strength?: number }[] = [],
): { name: string; strength?: number }[] {
  return [...before, parseLora(value)];
}

function batchSize(value: string): number | 'auto' {
  if (value === 'auto') return value;
  if (/^[1-9]\d?$/.test(value) && Number(value) <= 64) return Number(value);
  throw new InvalidArgumentError('It must be auto, or a whole number from 1 to 64.');
}
