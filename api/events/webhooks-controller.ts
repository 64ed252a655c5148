import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { eventTypes } from '../../domain/event-types.ts';
import { BatchAccess } from '../batches/batch-access.ts';
import { batchIdParams, pageOf } from '../batches/schemas.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';

const tag = 'Webhooks';
const statuses = ['delivered', 'retrying', 'failed'] as const;

const delivery = z
  .strictObject({
    event_id: z.string(),
    type: z.string(),
    target: z.string().describe('Name of the configuration, or webhook-1, … for addresses of the batch'),
    status: z.enum(statuses).describe('retrying: it is tried again; failed: it is given up'),
    http_status: z.int().nullable(),
    error: z.string().nullable(),
    at: z.string(),
    duration_ms: z.number(),
    event: z.looseObject({}).optional().describe('What was sent, where no result can be asked for it'),
  })
  .meta({ id: 'Delivery' });
const deliveries = describe({
  method: 'GET',
  path: 'batches/:id/deliveries',
  role: 'read',
  tag,
  summary: 'Attempts to deliver the events of a batch, in order for each target',
  params: batchIdParams,
  query: z.object({
    limit: z.coerce.number().int().min(1).max(1_000).default(100),
    cursor: z
      .string()
      .regex(/^events\/[a-z0-9-]+\/[\d-]+\.jsonl:\d+$/, 'is none of this list')
      .optional()
      .describe('`next` of the page before'),
    target: z.string().max(100).optional(),
    status: z.enum(statuses).optional(),
  }),
  replies: { 200: { description: 'A page of the delivery log.', schema: pageOf(delivery, 'DeliveryPage') } },
});
const redeliver = describe({
  method: 'POST',
  path: 'batches/:id/redeliver',
  role: 'run',
  tag,
  summary: 'Send events again: all that were given up, or one',
  params: batchIdParams,
  body: z
    .strictObject({
      event_id: z.string().min(1).optional().describe('This one, also if it was delivered'),
      target: z.string().min(1).max(100).optional().describe('Only to this target'),
    })
    .meta({ id: 'Redelivery' }),
  replies: {
    202: {
      description: 'They are sent again.',
      schema: z.strictObject({ batch_id: z.string(), events: z.int() }).meta({ id: 'Redelivered' }),
    },
  },
});
const targets = describe({
  method: 'GET',
  path: 'webhooks',
  role: 'read',
  tag,
  summary: 'Who may be told of batches, by the configuration; never where they are',
  replies: {
    200: {
      description: 'The targets.',
      schema: z
        .strictObject({
          data: z.array(
            z.strictObject({
              name: z.string(),
              type: z.enum(['webhook', 'slack', 'email']),
              events: z.array(z.enum(eventTypes)),
              batches: z.enum(['all', 'named']).describe('named: told only of batches that name it'),
            }),
          ),
        })
        .meta({ id: 'Webhooks' }),
    },
  },
});
const test = describe({
  method: 'POST',
  path: 'webhooks/:target/test',
  role: 'admin',
  allProjects: true,
  tag,
  summary: 'Send a test to a target of the configuration, and say whether it arrived',
  params: z.object({ target: z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be a name of the configuration') }),
  replies: {
    200: {
      description: 'What came of it.',
      schema: z
        .strictObject({ target: z.string(), delivered: z.boolean(), error: z.string().nullable() })
        .meta({ id: 'WebhookTest' }),
    },
  },
});

/** What others were told of batches, and telling them again. */
@Controller('api')
export class WebhooksController {
  readonly #batches: BatchAccess;

  constructor(@Inject(BatchAccess) batches: BatchAccess) {
    this.#batches = batches;
  }

  @Endpoint(deliveries)
  async deliveries(@Input() { params: { id }, query, caller }: Given<typeof deliveries>) {
    const { webhooks } = await this.#batches.of(id, caller);
    const { limit, cursor: after, target, status } = query;
    const found = [];
    // One more than wanted tells whether there is a next page.
    for await (const placed of webhooks.placedDeliveries(id, { after, target, status })) {
      found.push(placed);
      if (found.length > limit) break;
    }
    const page = found.slice(0, limit);
    const next = found.length > page.length ? (page.at(-1)?.place ?? null) : null;
    return { data: page.map((placed) => placed.delivery), next };
  }

  @Endpoint(redeliver)
  async redeliver(@Input() { params: { id }, body, caller }: Given<typeof redeliver>) {
    const { webhooks } = await this.#batches.of(id, caller);
    const { events } = await webhooks.redeliver(id, { eventId: body.event_id, target: body.target });
    return { batch_id: id, events };
  }

  @Endpoint(targets)
  async targets() {
    const { webhooks } = await this.#batches.sluice();
    return { data: webhooks.targets().map((target) => ({ ...target, events: [...target.events] })) };
  }

  @Endpoint(test)
  async test(@Input() { params: { target } }: Given<typeof test>) {
    const { webhooks } = await this.#batches.sluice();
    const error = await webhooks.test(target);
    return { target, delivered: error === null, error };
  }
}
