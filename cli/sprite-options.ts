import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { SluiceError } from '../domain/errors.ts';
import { priorities, type PriorityName } from '../domain/priority.ts';
import { numberFrom, wholeNumber } from './parse-number.ts';

/** What the commands that make sprites have in common. */
export interface SpriteFlags {
  prompt?: string[];
  promptsFile?: string;
  count?: number;
  steps?: number;
  cfgScale?: number;
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
  json?: boolean;
}

/** Largest seed. */
export const maxSeed = 2_147_483_647;

export function addPromptOptions(command: Command): Command {
  return command
    .option('--prompt <text>', 'what the pictures show; may be given more than once', collect)
    .option('--prompts-file <file>', 'a prompt a line; blank lines and lines with # are left out');
}

export function addSpriteOptions(command: Command): Command {
  return command
    .option('--steps <n>', 'sampling steps (the profile’s)', wholeNumber(1, 10_000))
    .option('--cfg-scale <x>', 'how closely the prompt is followed (the profile’s)', numberFrom(0, 100))
    .option('--negative <text>', 'what the pictures must not show (the profile’s)')
    .option('--width <n>', 'pixels, a multiple of 8 (the profile’s)', side)
    .option('--height <n>', 'pixels, a multiple of 8 (the profile’s)', side)
    .addOption(new Option('--priority <priority>', 'what goes first (the profile’s)').choices(priorities))
    .option('--profile <name>', 'speed, balanced, quality, animation, tileset, or one of your own (balanced)')
    .option('--graph <file>', 'graph in API format, or one that comes with Sluice, instead of the profile’s')
    .option('--gpu-class <name>', 'GPUs that may do it (the profile’s)')
    .option('--project <name>', 'project the batch belongs to (default)')
    .option('--concurrency <n>', 'items at work or waiting for a GPU, 1–50 (32)', wholeNumber(1, 50))
    .option('--json', 'print one JSON object instead of text');
}

/** The flags in the words of the client, with the prompts read. */
export async function toSpriteOptions<Flags extends SpriteFlags>(flags: Flags) {
  const { prompt = [], promptsFile, cfgScale: cfg, negative: negativePrompt, ...same } = flags;
  const prompts = [...prompt, ...(promptsFile === undefined ? [] : await readPrompts(promptsFile))];
  if (prompts.length === 0) {
    throw new SluiceError('USAGE', 'There is no prompt.', { action: 'Give --prompt or --prompts-file.' });
  }
  return { ...same, prompts, cfg, negativePrompt };
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

/** Pictures of other sizes are rounded by the server: see `model.width` of a profile. */
function side(text: string): number {
  const pixels = wholeNumber(16, 16_384)(text);
  if (pixels % 8 !== 0) throw new InvalidArgumentError('It must be a multiple of 8.');
  return pixels;
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** `name` or `name:strength`. */
export function parseLora(value: string): { name: string; strength?: number } {
  const [, name = value, strength] = /^(.*?)(?::(-?\d+(?:\.\d+)?))?$/.exec(value) ?? [];
  return strength === undefined ? { name } : { name, strength: Number(strength) };
}
