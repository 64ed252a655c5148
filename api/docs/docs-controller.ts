import { Controller, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { describe, Endpoint } from '../http/endpoint.ts';
import { documentToken } from '../tokens.ts';

const tag = 'Documentation';

const document = describe({
  method: 'GET',
  path: 'openapi.json',
  role: 'public',
  tag,
  summary: 'This description, as OpenAPI 3.1',
  replies: { 200: { description: 'The document.', schema: z.looseObject({ openapi: z.string() }) } },
});
const page = describe({
  method: 'GET',
  path: 'docs',
  role: 'public',
  tag,
  summary: 'This description, as a page',
  replies: { 200: { description: 'The page.', type: 'text/html' } },
});
const start = describe({
  method: 'GET',
  path: 'docs/start.js',
  role: 'public',
  tag,
  summary: 'The script of that page',
  replies: { 200: { description: 'The script.', type: 'text/javascript' } },
});

const html = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Sluice: REST</title>
    <link rel="stylesheet" href="/api/docs/assets/swagger-ui.css" />
  </head>
  <body>
    <div id="page"></div>
    <script src="/api/docs/assets/swagger-ui-bundle.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`;
const script = `SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#page', deepLinking: true, validatorUrl: null });\n`;

/** The reference: everything it needs comes from this service. */
@Controller('api')
export class DocsController {
  readonly #document: object;

  constructor(@Inject(documentToken) openApi: object) {
    this.#document = openApi;
  }

  @Endpoint(document)
  document(): object {
    return this.#document;
  }

  @Endpoint(page)
  async page(@Res() reply: FastifyReply): Promise<void> {
    await reply.header('content-type', 'text/html; charset=utf-8').send(html);
  }

  @Endpoint(start)
  async start(@Res() reply: FastifyReply): Promise<void> {
    await reply.header('content-type', 'text/javascript; charset=utf-8').send(script);
  }
}
