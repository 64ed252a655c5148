import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint } from '../http/endpoint.ts';

const show = describe({
  method: 'GET',
  path: 'engine',
  role: 'read',
  tag: 'Catalogue',
  summary: 'The engine behind this service',
  replies: {
    200: {
      description: 'Where its parts are.',
      schema: z
        .strictObject({
          ui_url: z.string().nullable().describe('Temporal’s Web UI; null where the server is not the engine’s own'),
          namespace: z.string(),
        })
        .meta({ id: 'Engine' }),
    },
  },
});

@Controller('api')
export class EngineController {
  readonly #engine: EngineLink;

  constructor(@Inject(EngineLink) engine: EngineLink) {
    this.#engine = engine;
  }

  @Endpoint(show)
  async show() {
    const { engine } = await this.#engine.sluice();
    return { ui_url: engine.uiUrl, namespace: engine.namespace };
  }
}
