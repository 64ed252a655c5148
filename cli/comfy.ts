import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { ComfyInspection } from '../domain/comfy-inject.ts';
import { SluiceError } from '../domain/errors.ts';
import { print, printJson } from './output.ts';

/** Registers `sluice comfy`. */
export function addComfy(program: Command): void {
  program
    .command('comfy')
    .description('look at ComfyUI graphs')
    .addHelpText('after', '\nExample:\n  sluice comfy inspect flows/comfy/sdxl-sprite.json')
    .command('inspect')
    .description('what a graph in API format can be given: where prompt, seed, size and so on are written')
    .argument('<graph>', 'graph in API format (ComfyUI: Workflow → Export (API))')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice comfy inspect flows/comfy/sdxl-sprite.json')
    .action(async (path: string, flags: { json?: boolean }) => {
      const [{ parseComfyGraph }, { inspectGraph }] = await Promise.all([
        import('../domain/comfy-graph.ts'),
        import('../domain/comfy-inject.ts'),
      ]);
      const inspection = inspectGraph(parseComfyGraph(await readJson(path), path));
      if (flags.json === true) printJson(asJson(inspection));
      else for (const line of render(inspection)) print(line);
    });
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new SluiceError('INPUT_NOT_FOUND', `The graph cannot be read: ${path}`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SluiceError('CONFIG_INVALID', `${path} is not JSON.`, { cause: error });
  }
}

function asJson({ nodes, targets, without, classes, outputs }: ComfyInspection): object {
  return {
    nodes,
    targets: targets.map(({ classType, ...target }) => ({ ...target, class_type: classType })),
    without,
    classes,
    outputs: outputs.map(({ classType, ...output }) => ({ ...output, class_type: classType })),
  };
}

function render({ nodes, targets, without, classes, outputs }: ComfyInspection): string[] {
  const rows = targets.map(({ parameter, node, classType, title, input, value }) => [
    parameter,
    `${node} ${classType}${title === '' ? '' : ` "${title}"`}`,
    input,
    short(JSON.stringify(value)),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  const list = (items: string[]) => (items.length === 0 ? 'none' : items.join(', '));
  return [
    ...rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')),
    '',
    `no place for: ${list(without)}`,
    `saves: ${list(outputs.map(({ node, classType }) => `${node} ${classType}`))}`,
    `${nodes} nodes of the classes: ${list(classes)}`,
  ];
}

function short(text: string): string {
  return text.length <= 50 ? text : `${text.slice(0, 49)}…`;
}
