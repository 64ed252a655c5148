import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ComparedSprites, CompareOptions } from '../client/compare-sprites.ts';
import { SluiceError } from '../domain/errors.ts';
import { withSluice } from './connect.ts';
import { exitStatus } from './exit-status.ts';
import { notice, print, printJson } from './output.ts';
import { wholeNumber } from './parse-number.ts';
import {
  addPromptOptions,
  addSpriteOptions,
  maxSeed,
  parseLora,
  toSpriteOptions,
  type SpriteFlags,
} from './sprite-options.ts';

interface CompareFlags extends SpriteFlags {
  models?: string[];
  loras?: string[];
  seeds?: number[];
  output: string;
}

/** Registers `sluice compare`. */
export function addCompare(program: Command): void {
  const command = addPromptOptions(
    program.command('compare').description('make the same sprites with several models or LoRAs, side by side'),
  )
    .option('--models <names>', 'checkpoints, one a column, with commas between', names)
    .option('--loras <names>', 'LoRAs, one a column: name, name:strength, or none', names)
    .option('--seeds <numbers>', 'seeds of each prompt, with commas between', seeds)
    .option('--count <n>', 'seeds of each prompt, one after another (1)', wholeNumber(1, 10_000))
    .option('--seed <n>', 'the first of them (derived from the first prompt)', wholeNumber(0, maxSeed))
    .requiredOption('-o, --output <dir>', 'directory for the comparison; a directory a column is made in it');
  addSpriteOptions(command)
    .addHelpText(
      'after',
      [
        '\nWrites comparison.png and comparison.html. The same command again does only what is missing.',
        'Ctrl-C leaves the batches running; the same command again comes back to them.',
        'Examples:',
        '  sluice compare --prompt "pixel art knight" --models a.safetensors,b.safetensors --seeds 1,2,3 -o models',
        '  sluice compare --prompts-file prompts.txt --loras pixel-art-xl.safetensors:0.8,none --count 4 -o loras',
      ].join('\n'),
    )
    .action(async (flags: CompareFlags) => {
      const options = await toCompareOptions(flags);
      await withSluice(async (sluice) => {
        if (sluice.gpuMode === 'emulated') {
          notice('No gpus: in the configuration: pictures come from the built-in ComfyUI emulator.');
        }
        const { compareSprites } = await import('../client/compare-sprites.ts');
        const compared = await compareSprites(sluice, { ...options, onProgress: createTeller() });
        show(compared, flags.json === true);
        process.exitCode = statusOf(compared);
      });
    });
}

async function toCompareOptions(flags: CompareFlags): Promise<CompareOptions> {
  const { models, loras, seeds: own, count, seed, ...same } = flags;
  if ((models === undefined) === (loras === undefined)) {
    throw new SluiceError('USAGE', 'A comparison is of models or of LoRAs.', { action: 'Give --models or --loras.' });
  }
  if (own !== undefined && (count !== undefined || seed !== undefined)) {
    throw new SluiceError('USAGE', '--seeds already says which.', { action: 'Leave out --count and --seed.' });
  }
  const columns =
    models !== undefined
      ? { models }
      : { loras: (loras ?? []).map((name) => (name === 'none' ? null : parseLora(name))) };
  return { ...(await toSpriteOptions(same)), seeds: own, count, seed, columns };
}

/** Tells how far it is, at most every tenth of it. */
function createTeller(): (done: number, cells: number) => void {
  let told = -1;
  return (done, cells) => {
    const tenth = Math.floor((10 * done) / cells);
    if (tenth === told) return;
    told = tenth;
    notice(`${String(done)} of ${String(cells)} cells done`);
  };
}

function show({ written, columns, made, cells }: ComparedSprites, json: boolean): void {
  if (json) {
    printJson({
      image: written.image,
      page: written.page,
      cells,
      made,
      notes: written.notes,
      columns: columns.map(({ label, report }) => ({ label, ...report })),
    });
    return;
  }
  for (const { label, report } of columns) print(`${label}: ${report.status}, batch ${report.batch_id}`);
  print(`${String(made)} of ${String(cells)} cells have a picture`);
  for (const note of written.notes) print(note);
  print(`image  ${written.image}`);
  print(`page   ${written.page}`);
}

function statusOf({ columns, made, cells }: ComparedSprites): number {
  const states = columns.map(({ report }) => report.status);
  if (states.includes('paused')) return exitStatus.paused;
  if (states.includes('cancelled')) return exitStatus.cancelled;
  return made < cells ? exitStatus.failures : exitStatus.succeeded;
}

function names(value: string): string[] {
  const list = value
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (list.length === 0) throw new InvalidArgumentError('It must be names with commas between.');
  return list;
}

function seeds(value: string): number[] {
  const list = names(value).map(wholeNumber(0, maxSeed));
  if (new Set(list).size < list.length) throw new InvalidArgumentError('Each seed must be given once.');
  return list;
}
