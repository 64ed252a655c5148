import { loadModels } from '../../client/models.ts';
import { defaultHome } from '../../client/engine/home.ts';
import { displayPath } from '../../client/batch-report.ts';
import { rejectedPath, storeUriOf } from '../../client/output-directory.ts';
import { assumedCallSeconds, planBatch } from '../../client/plan-batch.ts';
import { resolveBatch } from '../../client/batch-flow.ts';
import type { SubmitOptions } from '../../client/submit.ts';
import { formatCount, formatDuration, formatUsd } from '../../domain/format.ts';
import { notice, print, printJson } from '../output.ts';

/** `--dry-run`: reads the input, writes only the file of rejected rows, and shows what a run would do. */
export async function showPlan(options: SubmitOptions, json: boolean): Promise<void> {
  const home = defaultHome(process.env);
  const models = await loadModels(home);
  const { spec } = await resolveBatch(options.spec, { home, models });
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
      estimated_seconds: plan.estimateSeconds,
      rejected_file: plan.rejected > 0 ? rejected : null,
      output: options.output === undefined ? null : displayPath(storeUriOf(options.output)),
    });
    return;
  }
  const rate = ratePerMinute === null ? 'the models’ own rate limits' : `${String(ratePerMinute)} requests a minute`;
  print(`Plan: flow ${spec.flow}, ${counted(plan.total, 'item')}, ${counted(plan.rejected, 'rejected row')}`);
  for (const [model, { items, estimateUsd }] of Object.entries(plan.models)) {
    print(`  ${model}: ${counted(items, 'item')}, about ${formatUsd(estimateUsd)}`);
  }
  print(`  concurrency ${String(concurrency)}, ${rate}`);
  print(`  time about ${formatDuration(plan.estimateSeconds)} (at ${String(assumedCallSeconds)} s a call)`);
  print(`  cost about ${formatUsd(plan.estimateUsd)}${budgetUsd === null ? '' : `, budget ${formatUsd(budgetUsd)}`}`);
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

function counted(count: number, what: string): string {
  return `${formatCount(count)} ${what}${count === 1 ? '' : 's'}`;
}
