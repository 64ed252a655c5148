import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint } from '../http/endpoint.ts';

const tag = 'Health';
const ok = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Ok' });

const live = describe({
  method: 'GET',
  path: 'health/live',
  role: 'public',
  tag,
  summary: 'Whether the service runs',
  replies: { 200: { description: 'It does.', schema: ok } },
});
const ready = describe({
  method: 'GET',
  path: 'health/ready',
  role: 'public',
  tag,
  summary: 'Whether the engine answers',
  replies: { 200: { description: 'It does.', schema: ok } },
});

@Controller('api')
export class HealthController {
  readonly #engine: EngineLink;

  constructor(@Inject(EngineLink) engine: EngineLink) {
    this.#engine = engine;
  }

  @Endpoint(live)
  live() {
    return { status: 'ok' as const };
  }

  @Endpoint(ready)
  async ready() {
    if (!(await this.#engine.answers())) throw new SluiceError('ENGINE_UNAVAILABLE', 'The engine does not answer.');
    return { status: 'ok' as const };
  }
}
