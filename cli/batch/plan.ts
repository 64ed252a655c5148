import { loadModels } from '../../client/models.ts';
import { defaultHome } from '../../client/engine/home.ts';
import { displayPath } from '../../client/batch-report.ts';
import { rejectedPath, storeUriOf } from '../../client/output-directory.ts';
import { planBatch, type BatchPlan } from '../../client/plan-batch.ts';
import { resolveBatch } from '../../client/batch-flow.ts';
import type { SubmitOptions } from '../../client/submit.ts';
import { formatCount, formatDuration, formatUsd } from '../../domain/format.ts';
import { notice, print, printJson } from '../output.ts';

/** `--dry-run`: reads the input, writes only the file of rejected rows, and shows what a run would do. */
export async function showPlan(options: SubmitOptions, json: boolean): Promise<void> {
  const home = defaultHome(process.env);
  const models = await loadModels(home);
  const { spec, flow } = await resolveBatch(options.spec, { home, models });
  // Without a directory of its own the batch has not said where: the working directory is where a person looks.
  const rejected =
    rejectedPath(storeUriOf(options.output ?? '.'), options.input) ?? rejectedPath(storeUriOf('.'), options.input);
  const plan = await planBatch({ home, models }, { ...options, rejectedFile: rejected });
  if (plan.encodingNotice !== undefined) notice(plan.encodingNotice);
  const { concurrency, ratePerMinute, budgetUsd } = spec.limits;
  if (json) {
    printJson({
      dry_run: true,
      total: plan.total,
      rejected: plan.rejected,
      models: plan.models,
      estimated_cost_usd: Number(plan.estimateUsd.toFixed(6)),
      least_cost_usd: Number(plan.leastUsd.toFixed(6)),
      most_cost_usd: Number(plan.mostUsd.toFixed(6)),
      estimated_seconds: plan.estimateSeconds,
      bound_by: plan.boundBy,
      rejected_file: plan.rejected > 0 ? rejected : null,
      output: options.output === undefined ? null : displayPath(storeUriOf(options.output)),
    });
    return;
  }
  const rate = ratePerMinute === null ? 'the models’ own rate limits' : `${String(ratePerMinute)} requests a minute`;
  print(`Plan: flow ${flow.name}, ${counted(plan.total, 'item')}, ${counted(plan.rejected, 'rejected row')}`);
  for (const [model, { items, calls, estimateUsd }] of Object.entries(plan.models)) {
    const often = Math.round(calls) === items ? '' : `, about ${counted(Math.round(calls), 'call')}`;
    print(`  ${model}: ${counted(items, 'item')}${often}, about ${formatUsd(estimateUsd)}`);
  }
  print(`  concurrency ${String(concurrency)}, ${rate}`);
  print(`  time about ${formatDuration(plan.estimateSeconds)}, bound by ${plan.boundBy}`);
  print(`  cost about ${costOf(plan)}${budgetUsd === null ? '' : `, budget ${formatUsd(budgetUsd)}`}`);
  if (budgetUsd !== null && plan.estimateUsd > budgetUsd) {
    print(
      `  the budget is reached after about ${formatCount((plan.total * budgetUsd) / plan.estimateUsd)} items; the batch then pauses`,
    );
  }
  if (plan.rejected > 0 && rejected !== null) print(`  rejected rows in ${rejected}`);
  print(
    `  output ${options.output === undefined ? 'a new directory here, named after the batch' : displayPath(storeUriOf(options.output))}`,
  );
  print('Nothing was started (--dry-run).');
}

/** `$0.18 ($0.10 to $0.30, by rounds of loops)`; the range only where there is one. */
function costOf({ estimateUsd, leastUsd, mostUsd }: BatchPlan): string {
  const isRange = mostUsd - leastUsd > 0.000_05;
  const range = isRange ? ` (${formatUsd(leastUsd)} to ${formatUsd(mostUsd)}, by rounds of loops)` : '';
  return `${formatUsd(estimateUsd)}${range}`;
}

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}
