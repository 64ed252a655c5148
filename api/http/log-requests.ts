import { AsyncResource } from 'node:async_hooks';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';

/** A line for each request, with the batch and the item it is about; of those that only look, for who wants to see them. */
export function logRequests(app: FastifyInstance, log: Logger): void {
  app.addHook('onRequest', (request, reply, done) => {
    const since = performance.now();
    const ended = (): void => {
      const { statusCode: status } = reply.raw;
      const level = status < 400 && ['GET', 'HEAD'].includes(request.method) ? 'debug' : 'info';
      const ms = Math.round(performance.now() - since);
      log[level]({ ...aboutOf(request), status, duration_ms: ms }, 'request');
    };
    // Bound, so that it is told in the trace of the request.
    reply.raw.once('close', AsyncResource.bind(ended));
    done();
  });
}

/** Without the query, which may hold what is nobody else's business. */
function aboutOf({ method, url, params, routeOptions }: FastifyRequest): Record<string, unknown> {
  const { id, record_id: itemId } = (params ?? {}) as Record<string, string | undefined>;
  const ofBatch = routeOptions.url?.startsWith('/api/batches/:id') === true;
  return {
    method,
    path: url.replace(/[?#].*$/, ''),
    ...(ofBatch && id !== undefined ? { batch_id: id } : {}),
    ...(ofBatch && itemId !== undefined ? { item_id: itemId } : {}),
  };
}
