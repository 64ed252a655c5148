import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { viewFlows } from '../../client/flow-view.ts';
import { EngineLink } from '../engine-link.ts';
import { describe, Endpoint } from '../http/endpoint.ts';

const tag = 'Catalogue';

const models = describe({
  method: 'GET',
  path: 'models',
  role: 'read',
  tag,
  summary: 'Models batches can use',
  replies: {
    200: {
      description: 'The models of models.yaml.',
      schema: z
        .strictObject({
          data: z.array(
            z.looseObject({
              name: z.string(),
              provider: z.string(),
              kind: z.string(),
              limits: z.record(z.string(), z.json()),
              vendor_name: z.string(),
              mode: z.enum(['live', 'emulated']).describe('Whether its vendor is called, or could only be emulated'),
            }),
          ),
          aliases: z.record(z.string(), z.string()).describe('Names that stand for a model of the day'),
        })
        .meta({ id: 'Models' }),
    },
  },
});
const gpus = describe({
  method: 'GET',
  path: 'gpus',
  role: 'read',
  tag,
  summary: 'ComfyUI servers, whether they answer, and how much waits for them',
  replies: {
    200: {
      description: 'The servers.',
      schema: z
        .strictObject({
          data: z.array(
            z.strictObject({
              name: z.string(),
              url: z.string(),
              classes: z.array(z.string()),
              alive: z.boolean(),
              detail: z.string().describe('The device, or why it cannot be used'),
              running: z.int().nullable().describe('Prompts that run, whoever sent them; null where it does not say'),
              waiting: z.int().nullable().describe('Prompts that wait behind them'),
            }),
          ),
        })
        .meta({ id: 'Gpus' }),
    },
  },
});
const flows = describe({
  method: 'GET',
  path: 'flows',
  role: 'read',
  tag,
  summary: 'Flows batches can run',
  replies: {
    200: {
      description: 'The flows.',
      schema: z
        .strictObject({
          data: z.array(
            z.looseObject({
              name: z.string(),
              description: z.string(),
              columns: z
                .array(z.looseObject({ name: z.string(), type: z.string(), required: z.boolean() }))
                .nullable()
                .describe('Null: the row’s prompt is all the flow looks at'),
              parameters: z.array(z.looseObject({ name: z.string(), type: z.string(), required: z.boolean() })),
              steps: z.array(z.looseObject({ id: z.string(), uses: z.string() })),
            }),
          ),
        })
        .meta({ id: 'Flows' }),
    },
  },
});

@Controller('api')
export class CatalogueController {
  readonly #engine: EngineLink;

  constructor(@Inject(EngineLink) engine: EngineLink) {
    this.#engine = engine;
  }

  @Endpoint(models)
  async models() {
    const { models: file, live } = await this.#engine.forSubmission();
    const data = Object.entries(file.models).map(([name, model]) => ({
      ...model,
      name,
      vendor_name: model.name ?? name,
      mode: live.has(model.provider) ? 'live' : 'emulated',
    }));
    return { data, aliases: file.aliases };
  }

  @Endpoint(gpus)
  async gpus() {
    const sluice = await this.#engine.forSubmission();
    return { data: await sluice.gpuStandings() };
  }

  @Endpoint(flows)
  async flows() {
    const { engine, models: file } = await this.#engine.sluice();
    const found = await viewFlows({ home: engine.home, models: file });
    // Not where their files are: that is this machine's own affair.
    return { data: found.map(({ file: _file, ...flow }) => flow) };
  }
}
