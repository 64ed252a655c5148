import { Option, type Command } from 'commander';
import type { BudgetReport } from '../client/ledger.ts';
import { costGroups, type CostGroup } from '../domain/cost-groups.ts';
import { defined } from '../domain/defined.ts';
import { SluiceError } from '../domain/errors.ts';
import { readConfig, withSluice } from './connect.ts';
import { notice, print, printJson } from './output.ts';
import { limitOf, numberFrom, numberOrNone, type NumberOrNone } from './parse-number.ts';

interface CostFlags {
  by: CostGroup;
  since?: string;
  until?: string;
  project?: string;
  rebuild?: boolean;
  json?: boolean;
}

/** Registers `sluice costs` and `sluice budget`. */
export function addCosts(program: Command): void {
  program
    .command('costs')
    .description('show what was spent, over all batches')
    .addOption(new Option('--by <what>', 'add up by').choices(costGroups).default('day'))
    .option('--since <day>', 'from this day of UTC on, e.g. 2026-11-01')
    .option('--until <day>', 'up to this day of UTC, itself included')
    .option('--project <name>', 'of this project alone')
    .option('--rebuild', 'first write the ledger anew from the results of all closed batches')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice costs --by project --since 2026-11-01')
    .action(async ({ rebuild, json, ...query }: CostFlags) => {
      if (rebuild === true) await rebuildLedger();
      const { readCosts } = await import('../client/ledger.ts');
      const costs = await readCosts(await home(), query);
      if (json === true) printJson(costs);
      else print((await import('./render/costs.ts')).renderCosts(costs));
    });

  const budget = program.command('budget').description('show or change budgets over all batches');
  budget
    .command('show', { isDefault: true })
    .description('show all budgets and what is left of them')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice budget show')
    .action(async (flags: { json?: boolean }) => {
      const { followBudgets, readBudgets } = await import('../client/ledger.ts');
      await followBudgets(await home(), (await readConfig()).budgets);
      await showBudgets(await readBudgets(await home()), flags.json === true);
    });
  budget
    .command('set')
    .description('change a budget, from the next call on; batches that run heed it too')
    .option('--day <usd>', 'cap on what is spent in a day of UTC, in USD, or "none"', numberOrNone(numberFrom(0)))
    .option('--total <usd>', 'cap on all that a project ever spends, in USD, or "none"', numberOrNone(numberFrom(0)))
    .option('--project <name>', 'of this project; without it: of all projects together')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  sluice budget set --day 50\n  sluice budget set --project novel --total 500')
    .action(async (flags: { day?: NumberOrNone; total?: NumberOrNone; project?: string; json?: boolean }) => {
      const { followBudgets, setBudgets } = await import('../client/ledger.ts');
      await followBudgets(await home(), (await readConfig()).budgets);
      await showBudgets(await setBudgets(await home(), toChange(flags)), flags.json === true);
      notice('A batch that is paused for a budget goes on with: sluice batch resume <batch>');
    });
}

async function rebuildLedger(): Promise<void> {
  const { rebuilt, left } = await withSluice((sluice) => sluice.money.rebuild());
  notice(`Written anew: ${counted(rebuilt.length)}. Left as they are: ${counted(left.length)}.`);
}

function counted(batches: number): string {
  return batches === 1 ? '1 batch' : `${String(batches)} batches`;
}

function toChange({ day, total, project }: { day?: NumberOrNone; total?: NumberOrNone; project?: string }) {
  if (day === undefined && total === undefined) {
    throw new SluiceError('USAGE', 'There is nothing to set.', { action: 'Give --day, or --project with --total.' });
  }
  const caps = defined({
    day_usd: day === undefined ? undefined : limitOf(day),
    total_usd: total === undefined ? undefined : limitOf(total),
  });
  if (project !== undefined) return { project: { name: project, ...caps } };
  if (total !== undefined) {
    throw new SluiceError('USAGE', '--total is of one project.', { action: 'Name it with --project.' });
  }
  return caps;
}

async function showBudgets(report: BudgetReport, json: boolean): Promise<void> {
  if (json) printJson(report);
  else print((await import('./render/costs.ts')).renderBudgets(report));
}

/** Costs and budgets lie in a file of the home: no engine is needed to read or change them. */
async function home(): Promise<string> {
  const { defaultHome } = await import('../client/engine/home.ts');
  return defaultHome(process.env);
}
