import type { Command } from 'commander';
import type { CacheStats } from '../client/cache.ts';
import { defaultHome } from '../client/engine/home.ts';
import { formatBytes, formatCount, formatUsd } from '../domain/format.ts';
import { readConfig } from './connect.ts';
import { print, printJson } from './output.ts';

/** Registers `sluice cache`. Both commands work on the files alone: no engine is needed. */
export function addCache(program: Command): void {
  const cache = program
    .command('cache')
    .description('results kept for other batches')
    .addHelpText('after', '\nExample:\n  sluice cache stats');
  cache
    .command('stats')
    .description('how many results are kept, their size, and what they cost when they were made')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', '\nExample:\n  sluice cache stats --json')
    .action(async (flags: { json?: boolean }) => {
      show(await (await open()).stats(), flags.json === true, 'kept');
    });
  cache
    .command('clear')
    .description('forget all results; batches that run go on')
    .option('--json', 'print one JSON object instead of text')
    .addHelpText('after', '\nExample:\n  sluice cache clear')
    .action(async (flags: { json?: boolean }) => {
      show(await (await open()).clear(), flags.json === true, 'removed');
    });
}

async function open() {
  const { openResultCache } = await import('../client/cache.ts');
  return openResultCache(defaultHome(process.env), (await readConfig()).cache);
}

function show(stats: CacheStats, json: boolean, what: string): void {
  if (json) {
    printJson(stats);
    return;
  }
  const { entries, bytes, cost_usd: costUsd } = stats;
  print(`${formatCount(entries)} results ${what}, ${formatBytes(bytes)}, made for ${formatUsd(costUsd)}`);
}
