import { Controller, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { EngineLink } from '../engine-link.ts';
import { Feeds } from '../events/feeds.ts';
import { describe, Endpoint } from '../http/endpoint.ts';
import { homeToken } from '../tokens.ts';
import { ApiMetrics } from './api-metrics.ts';
import { addEngineGauges } from './engine-gauges.ts';

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

  constructor(
    @Inject(ApiMetrics) metrics: ApiMetrics,
    @Inject(homeToken) home: string,
    @Inject(EngineLink) engine: EngineLink,
    @Inject(Feeds) feeds: Feeds,
  ) {
    this.#metrics = metrics;
    addEngineGauges(metrics.registry, { home, engine, feeds });
  }

  @Endpoint(show)
  show(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { registry } = this.#metrics;
    void reply.header('content-type', registry.contentType).header('cache-control', 'no-store');
    return registry.metrics();
  }
}
