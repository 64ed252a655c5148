import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { packageRoot } from '../../client/engine/package-root.ts';

/** Where the launcher builds the dashboard to. */
const built = join(packageRoot, 'dist', 'web');

/**
 * Serves the dashboard: its files, and its page under every address that is none of the API's, because the
 * dashboard has addresses of its own (`/batches/…`). The page itself tells nothing; what it shows it asks the
 * API for, with the rights of whoever looks.
 */
export async function serveDashboard(app: FastifyInstance): Promise<void> {
  const page = readPage();
  if (page === null) return;
  await app.register(files, {
    root: join(built, 'assets'),
    prefix: '/assets/',
    // Their names change with what is in them.
    immutable: true,
    maxAge: '365d',
    decorateReply: false,
  });
  app.get('/*', (request, reply) => {
    if (/^\/(?:api|assets)(?:\/|$)/.test(new URL(request.url, 'http://localhost').pathname)) {
      reply.callNotFound();
      return;
    }
    void reply.header('content-type', 'text/html; charset=utf-8').header('cache-control', 'no-cache').send(page);
  });
}

/** Null where the dashboard is not built, as when the sources run uncompiled. */
function readPage(): Buffer | null {
  try {
    return readFileSync(join(built, 'index.html'));
  } catch {
    return null;
  }
}
