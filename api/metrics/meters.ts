import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** From an answer out of memory to an upload of a large file, seconds. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60];

/** What the service itself counts. Routes are templates, so that no label holds an id. */
export function createMeters() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'sluice_api_requests_total',
    help: 'Requests answered, by template of the route and status',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'sluice_api_request_duration_seconds',
    help: 'How long requests took; those that follow events last as long as somebody listens and are left out',
    labelNames: ['method', 'route'],
    buckets,
    registers: [registry],
  });
  return { registry, requests, seconds };
}
