import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import type { SpriteOptions, SpritePlan } from '../client/sprites.ts';
import { SluiceError } from '../domain/errors.ts';
import { priorities, type PriorityName } from '../domain/priority.ts';
import { withSluice } from './connect.ts';
import { notice } from './output.ts';
import { numberFrom, wholeNumber } from './parse-number.ts';

interface GenerateFlags {
  prompt?: string[];
  promptsFile?: string;
  count?: number;
  batchSize?: number | 'auto';
  steps?: number;
  cfgScale?: number;
  model?: string;
  lora?: { name: string; strength?: number }[];
  negative?: string;
  width?: number;
  height?: number;
  priority?: PriorityName;
  seed?: number;
  profile?: string;
  graph?: string;
  gpuClass?: string;
  project?: string;
  concurrency?: number;
  output?: string;
  wait?: boolean;
  monitor?: boolean;
  json?: boolean;
  verbose?: boolean;
}

/** Registers `sluice generate`. */
export function addGenerate(program: Command): void {
  program
    .command('generate')
    .description('make sprites on ComfyUI servers')
    .option('--prompt <text>', 'what the pictures show; may be given more than once', collect)
    .option('--prompts-file <file>', 'a prompt a line; blank lines and lines with # are left out')
    .option('--count <n>', 'pictures of each prompt (1)', wholeNumber(1, 1_000_000))
    .option('--batch-size <n>', 'pictures a prompt on the GPU: 1, 4, 8 or auto (the profile’s)', batchSize)
    .option('--steps <n>', 'sampling steps (the profile’s)', wholeNumber(1, 10_000))
    .option('--cfg-scale <x>', 'how closely the prompt is followed (the profile’s)', numberFrom(0, 100))
    .option('--model <name>', 'checkpoint, as the server calls it (the graph’s)')
    .option('--lora <name[:strength]>', 'LoRA, as the server calls it; may be given more than once', lora)
    .option('--negative <text>', 'what the pictures must not show (the profile’s)')
    .option('--width <n>', 'pixels (the profile’s)', wholeNumber(16, 16_384))
    .option('--height <n>', 'pixels (the profile’s)', wholeNumber(16, 16_384))
    .addOption(new Option('--priority <priority>', 'what goes first (the profile’s)').choices(priorities))
    .option(
      '--seed <n>',
      'of the first picture; the next have the next numbers (random)',
      wholeNumber(0, 2_147_483_647),
    )
    .option('--profile <name>', 'speed, balanced, quality, animation, tileset, or one of your own (balanced)')
    .option('--graph <file>', 'graph in API format, instead of the profile’s')
    .option('--gpu-class <name>', 'GPUs that may do it (the profile’s)')
    .option('--project <name>', 'project the batch belongs to (default)')
    .option('--concurrency <n>', 'items at work or waiting for a GPU, 1–50 (32)', wholeNumber(1, 50))
    .option('-o, --output <dir>', 'directory for the pictures')
    .option('--wait, --monitor', 'follow the batch to its end')
    .option('--json', 'print one JSON object instead of text')
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
      const options = await toSpriteOptions(flags);
      await withSluice(async (sluice) => {
        const { plan, submission } = await sluice.generate(options);
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

async function toSpriteOptions(flags: GenerateFlags): Promise<SpriteOptions> {
  const { prompt = [], promptsFile, cfgScale: cfg, lora: loras, negative: negativePrompt, ...same } = flags;
  const prompts = [...prompt, ...(promptsFile === undefined ? [] : await readPrompts(promptsFile))];
  if (prompts.length === 0) {
    throw new SluiceError('USAGE', 'There is no prompt.', { action: 'Give --prompt or --prompts-file.' });
  }
  return { ...same, prompts, cfg, loras, negativePrompt };
}

async function readPrompts(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('INPUT_NOT_FOUND', `The prompts file ${file} cannot be read.`, { cause });
  });
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const prompts = lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));
  if (prompts.length === 0) throw new SluiceError('NO_VALID_REQUESTS', `No prompt found in ${file}.`);
  return prompts;
}

function announce(plan: SpritePlan, { batchId, output }: { batchId: string; output: string }, emulated: boolean): void {
  if (emulated) notice('No gpus: in the configuration: pictures come from the built-in ComfyUI emulator.');
  if (plan.unused.length > 0) notice(`The graph has no place for: ${plan.unused.join(', ')}; left as it is.`);
  const { pictures, items, profile, seed } = plan;
  notice(
    `Batch ${batchId}: ${String(pictures)} pictures in ${String(items)} items, profile ${profile}, seed ${String(seed)}, to ${output}`,
  );
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function lora(
  value: string,
  before: { name: string; strength?: number }[] = [],
): { name: string; strength?: number }[] {
  const [, name = value, strength] = /^(.*?)(?::(-?\d+(?:\.\d+)?))?$/.exec(value) ?? [];
  return [...before, strength === undefined ? { name } : { name, strength: Number(strength) }];
}

function batchSize(value: string): number | 'auto' {
  return value === 'auto' ? value : wholeNumber(1, 64)(value);
}
