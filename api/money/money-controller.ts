import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import type { BudgetReport } from '../../client/ledger.ts';
import { costGroups } from '../../domain/cost-groups.ts';
import { costQuerySchema } from '../../domain/costs.ts';
import { defined } from '../../domain/defined.ts';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';

const tag = 'Money';
const usd = z.number().describe('USD');

const sums = {
  calls: z.int(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  images: z.int(),
  cost_usd: usd,
  presumed_usd: usd.describe('Of that, what a call may have cost whose worker died before it could say'),
};
const costs = describe({
  method: 'GET',
  path: 'costs',
  role: 'read',
  tag,
  summary: 'What was spent, by day (of UTC), project, batch or model',
  query: z.object(costQuerySchema.unwrap().shape),
  replies: {
    200: {
      description: 'The costs.',
      schema: z
        .strictObject({
          by: z.enum(costGroups),
          rows: z.array(z.strictObject({ key: z.string(), mode: z.enum(['live', 'emulated']), ...sums })),
          total: z.strictObject(sums).describe('Of live calls'),
          emulated: z.strictObject(sums).describe('What emulated calls would have cost'),
          reserved_usd: usd.describe('Reserved for live calls under way'),
        })
        .meta({ id: 'Costs' }),
    },
  },
});
const standing = z.strictObject({
  project: z.string().nullable().describe('Null: all projects together'),
  period: z.enum(['day', 'total']),
  limit_usd: usd,
  spent_usd: usd,
  reserved_usd: usd,
});
const budgetsReply = z
  .strictObject({
    live: z.array(standing),
    emulated: z.array(standing).describe('What emulated calls would have cost, against the same caps'),
  })
  .meta({ id: 'Budgets' });
const budgets = describe({
  method: 'GET',
  path: 'budgets',
  role: 'read',
  allProjects: true,
  tag,
  summary: 'Budgets over all batches, and what is left of them',
  replies: { 200: { description: 'The budgets.', schema: budgetsReply } },
});
const cap = z.number().min(0).nullable().optional().describe('USD; null: no limit');
const setBudgets = describe({
  method: 'PATCH',
  path: 'budgets',
  role: 'admin',
  allProjects: true,
  tag,
  summary: 'Change budgets from the next call on, also of batches that run',
  body: z
    .strictObject({
      day_usd: cap,
      project: z.strictObject({ name: z.string().min(1).max(100), total_usd: cap, day_usd: cap }).optional(),
    })
    .meta({ id: 'BudgetsChange' }),
  replies: { 200: { description: 'All budgets as they are now.', schema: budgetsReply } },
});

/** What batches spent, and what they may. */
@Controller('api')
export class MoneyController {
  readonly #engine: EngineLink;

  constructor(@Inject(EngineLink) engine: EngineLink) {
    this.#engine = engine;
  }

  @Endpoint(costs)
  async costs(@Input() { query, caller }: Given<typeof costs>) {
    const { money } = await this.#engine.sluice();
    const { by, since, until } = query;
    return money.costs({ by, ...defined({ since, until, project: caller.project ?? query.project }) });
  }

  @Endpoint(budgets)
  async budgets() {
    return toReply(await (await this.#engine.sluice()).money.budgets());
  }

  @Endpoint(setBudgets)
  async setBudgets(@Input() { body }: Given<typeof setBudgets>) {
    const { day_usd, project } = body;
    const { money } = await this.#engine.sluice();
    const { name = '', total_usd, day_usd: projectDay } = project ?? {};
    const change = {
      ...defined({ day_usd }),
      ...(project === undefined ? {} : { project: { name, ...defined({ total_usd, day_usd: projectDay }) } }),
    };
    return toReply(await money.setBudgets(change));
  }
}

function toReply({ live, emulated }: BudgetReport): z.output<typeof budgetsReply> {
  const show = ({ project, period, limitUsd, spentUsd, reservedUsd }: BudgetReport['live'][number]) => ({
    project,
    period,
    limit_usd: limitUsd,
    spent_usd: spentUsd,
    reserved_usd: reservedUsd,
  });
  return { live: live.map(show), emulated: emulated.map(show) };
}
