import 'reflect-metadata';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import helmet from '@fastify/helmet';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../domain/errors.ts';
import { Authentication } from './access/authentication.ts';
import { createSameSiteCheck } from './access/same-site.ts';
import { apiModule, type ApiOptions } from './api-module.ts';
import { serveDashboard } from './dashboard/serve-dashboard.ts';
import { tagAnswer } from './http/etag.ts';
import { logRequests } from './http/log-requests.ts';
import { ApiMetrics } from './metrics/api-metrics.ts';

/** Everything a page may load comes from here, and no script or style stands in the page itself. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    'default-src': ["'none'"],
    'script-src': ["'self'"],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'media-src': ["'self'"],
    'font-src': ["'self'"],
    'connect-src': ["'self'"],
    'form-action': ["'self'"],
    'base-uri': ["'none'"],
    'frame-ancestors': ["'none'"],
  },
};

/** The service, ready to listen. */
export async function createApp(options: ApiOptions): Promise<NestFastifyApplication> {
  const { settings, log } = options;
  const authentication = new Authentication(options.home, settings);
  const adapter = new FastifyAdapter({
    bodyLimit: settings.max_body_bytes,
    forceCloseConnections: true,
    // A slow sender holds a connection, not the service; uploads may take their time once they have begun.
    http: { headersTimeout: 15_000, requestTimeout: 0 },
    routerOptions: { maxParamLength: 1_000 },
    multipart: false,
  });
  const fastify = adapter.getInstance();
  fastify.server.maxConnections = settings.max_connections;
  const parseJson = fastify.getDefaultJsonParser('error', 'error');
  fastify.addContentTypeParser('application/cloudevents+json', { parseAs: 'string' }, parseJson);
  // Many clients name the type of every body, also of none.
  fastify.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null);
    else void parseJson(request, body, done);
  });
  const metrics = new ApiMetrics();
  metrics.watch(fastify);
  if (options.traced === true) (await import('./http/trace-requests.ts')).traceRequests(fastify);
  logRequests(fastify, log);
  const checkSite = createSameSiteCheck(settings);
  fastify.addHook('onRequest', (request, _reply, done) => {
    try {
      checkSite(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const sent = tagAnswer(request, reply, payload);
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    done(null, sent);
  });
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares options as a class
  const app = await NestFactory.create<NestFastifyApplication>(apiModule(options, authentication, metrics), adapter, {
    logger: {
      log: () => undefined,
      warn: (message: unknown) => {
        log.warn(String(message));
      },
      error: (message: unknown) => {
        log.error(String(message));
      },
    },
    // Fastify's own parser takes JSON alone, which no form of another site can send unasked.
    bodyParser: false,
  });
  await app.register(helmet, {
    contentSecurityPolicy,
    crossOriginEmbedderPolicy: false,
    // For a proxy with a certificate to say: this service itself speaks HTTP.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  await app.register(rateLimit, {
    max: settings.requests_per_minute,
    timeWindow: 60_000,
    keyGenerator: (request: FastifyRequest) => authentication.nameOf(request) ?? request.ip,
    errorResponseBuilder: (_request, { ttl }) =>
      new SluiceError('RATE_LIMITED', 'Too many requests.', { action: 'Wait, then ask again.', retryAfterMs: ttl }),
  });
  await app.register(multipart);
  await app.register(files, { root: docsAssets(), prefix: '/api/docs/assets/', index: false, decorateReply: false });
  await serveDashboard(fastify);
  return app;
}

/** Scripts and styles of the reference page: those that come with Nest's package for it. */
function docsAssets(): string {
  const swagger = createRequire(import.meta.resolve('@nestjs/swagger'));
  return dirname(swagger.resolve('swagger-ui-dist/package.json'));
}
