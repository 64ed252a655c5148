import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** From an answer out of memory to an upload of a large file, seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** What the service itself counts. Routes are templates, so that no label holds an id. */
export class ApiMetrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: 'sluice_api_requests_total',
    help: 'Requests answered, by template of the route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [this.registry],
  });
  readonly #seconds = new Histogram({
    name: 'sluice_api_request_duration_seconds',
    help: 'How long requests took; those that follow events last as long as somebody listens and are left out',
    labelNames: ['method', 'route'],
    buckets,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Counts every request from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRequest', (request, reply, done) => {
      const since = performance.now();
      // Not Fastify's own hook: it does not tell of answers that broke off.
      reply.raw.once('close', () => {
        const { method, routeOptions } = request;
        const route = routeOptions.url ?? 'unknown';
        this.#requests.inc({ method, route, status: reply.raw.statusCode });
        const type = reply.raw.getHeader('content-type');
        if (String(type).startsWith('text/event-stream')) return;
        this.#seconds.observe({ method, route }, (performance.now() - since) / 1_000);
      });
      done();
    });
  }
}
