import { createHash } from 'node:crypto';
import { Controller, Inject, Req, Res } from '@nestjs/common';
import { CloudEvent, HTTP } from 'cloudevents';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { CreateBatch } from '../batches/create-batch.ts';
import { createBody, createdSchema } from '../batches/schemas.ts';
import { describe, Endpoint, Input, parse, type Given } from '../http/endpoint.ts';

/** The one type of event that asks for something. */
const createType = 'sluice.batch.create';

const structured = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string().min(1),
    source: z.string().min(1),
    type: z.literal(createType),
    data: createBody,
  })
  .meta({ id: 'BatchEvent' });

const receive = describe({
  method: 'POST',
  path: 'events',
  role: 'run',
  tag: 'Batches',
  summary: 'Start a batch by a CloudEvent, once for each source and id',
  body: z.union([structured, createBody]),
  headers: {
    'ce-id': 'Of an event in binary mode, whose body is its data',
    'ce-source': 'Of an event in binary mode',
    'ce-type': `Of an event in binary mode: ${createType}`,
    'ce-specversion': 'Of an event in binary mode: 1.0',
  },
  replies: { 201: { description: 'The batch has started, now or when the event came first.', schema: createdSchema } },
});

/** Takes batches from message brokers, which deliver an event at least once. */
@Controller('api')
export class IntakeController {
  readonly #creation: CreateBatch;

  constructor(@Inject(CreateBatch) creation: CreateBatch) {
    this.#creation = creation;
  }

  @Endpoint(receive)
  receive(
    @Input() { caller }: Given<typeof receive>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const event = eventOf(request);
    if (event.type !== createType) throw new SluiceError('USAGE', `type: must be ${createType}`);
    const body = parse(createBody, event.data) as z.output<typeof createBody>;
    // Source and id together name an event, so the batch of one that comes again is the same.
    const key = createHash('sha256')
      .update(JSON.stringify([event.source, event.id]))
      .digest('hex');
    request.headers['idempotency-key'] = `event-${key}`;
    return this.#creation.create(request, reply, body, caller);
  }
}

/** @throws SluiceError USAGE for a request that is no CloudEvent */
function eventOf({ headers, body }: FastifyRequest): CloudEvent<unknown> {
  try {
    const event = HTTP.toEvent<unknown>({ headers, body });
    // Made anew, because only the constructor checks it.
    if (!Array.isArray(event)) return new CloudEvent<unknown>({ ...event });
  } catch {
    // The library's messages quote what they were given.
  }
  throw new SluiceError('USAGE', 'The request is no CloudEvent 1.0 in structured or binary mode.', {
    action: 'Send application/cloudevents+json, or headers ce-specversion, ce-id, ce-source and ce-type with JSON.',
  });
}
