import 'reflect-metadata';
import multipart from '@fastify/multipart';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createSameSiteCheck } from './access/same-site.ts';
import { apiModule, type ApiOptions } from './api-module.ts';

/** The service, ready to listen. */
export async function createApp(options: ApiOptions): Promise<NestFastifyApplication> {
  const { settings } = options;
  const adapter = new FastifyAdapter({
    bodyLimit: settings.max_body_bytes,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1_000 },
    multipart: false,
  });
  const checkSite = createSameSiteCheck(settings);
  const fastify = adapter.getInstance();
  fastify.addHook('onRequest', (request, _reply, done) => {
    try {
      checkSite(request);
      done();
    } catch (error) {
      done(error as Error);
    }
  });
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares options as a class
  const app = await NestFactory.create<NestFastifyApplication>(apiModule(options), adapter, {
    logger: ['error', 'warn'],
    // Fastify's own parser takes JSON alone, which no form of another site can send unasked.
    bodyParser: false,
  });
  await app.register(multipart);
  return app;
}
