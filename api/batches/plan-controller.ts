import { Controller, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ApiSettings } from '../../client/api-settings.ts';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { homeToken, settingsToken } from '../tokens.ts';
import { specOf } from './options.ts';
import { readRequest } from './read-request.ts';
import { planSchema } from './plan-schema.ts';
import { createBody } from './schemas.ts';

/** Rejected rows a plan shows, and how many characters of each. */
const maxRejectedRows = 100;
const maxRawChars = 500;

const plan = describe({
  method: 'POST',
  path: 'batches/plan',
  role: 'run',
  tag: 'Batches',
  summary: 'What a batch would come to: items, rejected rows, models, cost, time; starts nothing',
  body: createBody,
  upload: true,
  replies: { 200: { description: 'The plan.', schema: planSchema } },
});

/** Tells what a request for a batch would come to. */
@Controller('api')
export class PlanController {
  readonly #engine: EngineLink;
  readonly #settings: ApiSettings;
  readonly #home: string;

  constructor(
    @Inject(EngineLink) engine: EngineLink,
    @Inject(settingsToken) settings: ApiSettings,
    @Inject(homeToken) home: string,
  ) {
    this.#engine = engine;
    this.#settings = settings;
    this.#home = home;
  }

  @Endpoint(plan)
  async plan(
    @Input() { body, caller }: Given<typeof plan>,
    @Req() request: FastifyRequest,
  ): Promise<z.output<typeof planSchema>> {
    const { input, options } = await readRequest(request, body, this.#settings);
    const sluice = await this.#engine.forSubmission();
    const planned = await sluice.plan({
      input,
      format: options.format,
      encoding: options.encoding,
      localFiles: false,
      spec: specOf(this.#home, options, caller),
      maxRejectedRows,
    });
    return {
      total: planned.total,
      rejected: planned.rejected,
      rejected_rows: planned.rejectedRows.map(({ rowNumber, errorType, message, raw }) => ({
        row: rowNumber,
        type: errorType,
        message,
        raw: raw.slice(0, maxRawChars),
      })),
      models: Object.fromEntries(
        Object.entries(planned.models).map(([model, { items, calls, estimateUsd }]) => [
          model,
          { items, calls: Number(calls.toFixed(2)), estimate_usd: usd(estimateUsd) },
        ]),
      ),
      estimate_usd: usd(planned.estimateUsd),
      least_usd: usd(planned.leastUsd),
      most_usd: usd(planned.mostUsd),
      estimate_seconds: planned.estimateSeconds,
      bound_by: planned.boundBy,
    };
  }
}

/** Millionths are enough. */
function usd(amount: number): number {
  return Number(amount.toFixed(6));
}
