import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Looked } from './engine-gauges.ts';
import type { createMeters } from './meters.ts';

/** Metrics of the service. What makes them is loaded after the first request, so that no start waits for it. */
export class ApiMetrics {
  #meters: Promise<ReturnType<typeof createMeters>> | null = null;
  #registry: Promise<Registry> | null = null;

  /** Counts every request from now on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRequest', (request, reply, done) => {
      const since = performance.now();
      // Not Fastify's own hook: it does not tell of answers that broke off.
      reply.raw.once('close', () => {
        const tookSeconds = (performance.now() - since) / 1_000;
        const { method, routeOptions } = request;
        const route = routeOptions.url ?? 'unknown';
        const status = reply.raw.statusCode;
        const isStream = String(reply.raw.getHeader('content-type')).startsWith('text/event-stream');
        void this.#load().then(({ requests, seconds }) => {
          requests.inc({ method, route, status });
          if (!isStream) seconds.observe({ method, route }, tookSeconds);
        });
      });
      done();
    });
  }

  /** All there is to tell, also of the engine. */
  async text(engine: Looked): Promise<{ text: string; type: string }> {
    const registry = await (this.#registry ??= this.#withEngine(engine));
    return { text: await registry.metrics(), type: registry.contentType };
  }

  #load(): Promise<ReturnType<typeof createMeters>> {
    return (this.#meters ??= import('./meters.ts').then((module) => module.createMeters()));
  }

  async #withEngine(engine: Looked): Promise<Registry> {
    const { registry } = await this.#load();
    const { addEngineGauges } = await import('./engine-gauges.ts');
    addEngineGauges(registry, engine);
    return registry;
  }
}
