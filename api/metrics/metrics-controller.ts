import { Controller, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EngineLink } from '../engine-link.ts';
import { Feeds } from '../events/feeds.ts';
import { describe, Endpoint } from '../http/endpoint.ts';
import { homeToken } from '../tokens.ts';
import { ApiMetrics } from './api-metrics.ts';
import type { Looked } from './engine-gauges.ts';

const show = describe({
  method: 'GET',
  path: 'metrics',
  role: 'read',
  allProjects: true,
  tag: 'Health',
  summary: 'Metrics of the service and the engine, for Prometheus',
  replies: { 200: { description: 'In its text format.', type: 'text/plain' } },
});

@Controller('api')
export class MetricsController {
  readonly #metrics: ApiMetrics;
  readonly #looked: Looked;

  constructor(
    @Inject(ApiMetrics) metrics: ApiMetrics,
    @Inject(homeToken) home: string,
    @Inject(EngineLink) engine: EngineLink,
    @Inject(Feeds) feeds: Feeds,
  ) {
    this.#metrics = metrics;
    this.#looked = { home, engine, feeds };
  }

  @Endpoint(show)
  async show(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { text, type } = await this.#metrics.text(this.#looked);
    void reply.header('content-type', type).header('cache-control', 'no-store');
    return text;
  }
}
