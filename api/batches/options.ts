import { loadConfig, type Config } from '../../client/config.ts';
import type { BatchSpecInput, LimitsChange } from '../../domain/batch-spec.ts';
import { defined } from '../../domain/defined.ts';
import type { Caller } from '../../domain/role.ts';
import type { BatchOptions, LimitsChangeBody } from './schemas.ts';

/** What a caller asks for, over the home's defaults; a caller of one project asks for that one. */
export function specOf(home: string, options: BatchOptions, caller: Caller): BatchSpecInput {
  const config = loadConfig({ cwd: home, home, env: {}, notice: () => undefined });
  return toSpec({ ...options, project: caller.project ?? options.project }, config);
}

/** What was asked for, over the defaults of the configuration: the same as the options of the command line. */
function toSpec(options: BatchOptions, { defaults }: Pick<Config, 'defaults'>): BatchSpecInput {
  return {
    ...defined({
      flow: options.flow,
      parameters: options.parameters,
      interactive: options.interactive,
      shuffle: options.shuffle_seed === undefined ? undefined : { seed: options.shuffle_seed },
      maxRecords: options.max_records,
      project: options.project,
      priority: options.priority,
      deadline: options.deadline,
      resumeNextDay: options.resume_next_day,
      cache: options.cache,
      webhooks: options.webhooks,
      model: options.model ?? defaults.model,
      errorPolicy: options.error_policy ?? defaults.error_policy,
      timeoutMs: options.timeout_ms ?? defaults.timeout_ms,
      itemTimeoutMs: options.item_timeout_ms,
    }),
    limits: {
      ...defined({
        concurrency: options.concurrency ?? defaults.concurrency,
        ratePerMinute: options.rate_limit === undefined ? defaults.rate_limit : options.rate_limit,
        budgetUsd: options.budget_usd === undefined ? defaults.budget_usd : options.budget_usd,
      }),
      toleratedFailure: defined({ count: options.tolerated_failures, percent: options.tolerated_failure_percent }),
    },
    retry: defined({ maxAttempts: options.max_attempts ?? defaults.max_attempts }),
  };
}

export function toLimitsChange(body: LimitsChangeBody): LimitsChange {
  const { tolerated_failures: count, tolerated_failure_percent: percent } = body;
  const tolerated = defined({ count, percent });
  return {
    ...defined({ concurrency: body.concurrency, ratePerMinute: body.rate_limit, budgetUsd: body.budget_usd }),
    ...(Object.keys(tolerated).length === 0
      ? {}
      : { toleratedFailure: { count: count ?? null, percent: percent ?? null, minSample: 10 } }),
  };
}
