import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { SluiceError } from '../../domain/errors.ts';
import { errorReply } from './behaviour.ts';
import { CallLog } from './call-log.ts';
import { now } from '../shared/clock.ts';
import { createGenerateHandler } from './generate-handler.ts';
import { send, type Reply } from './http.ts';
import { checkOptions } from '../shared/check-options.ts';
import { optionsSchema, type GeminiEmulatorOptions } from './options.ts';
import { errors } from './replies.ts';
import { CallStats } from './stats.ts';

export interface GeminiEmulator {
  /** Base address without a version, e.g. `http://127.0.0.1:40123`. */
  url: string;
  port: number;
  /** Breaks what is in flight, ends the log, frees the port. */
  close(): Promise<void>;
}

/**
 * An emulator of Gemini's image models over real HTTP on the loopback interface: shapes and errors of the
 * real API, pictures that say what they were asked for, faults that repeat with the seed.
 *
 * Besides the API: `GET /__emulator/health`, and `GET /__emulator/calls` with counts since the start.
 *
 * @throws SluiceError USAGE when an option is wrong, the log cannot be written or the port is taken.
 */
export async function startGeminiEmulator(options: GeminiEmulatorOptions = {}): Promise<GeminiEmulator> {
  const settings = checkOptions(optionsSchema, options);
  const log = new CallLog(settings.callLog);
  const stats = new CallStats();
  const handle = createGenerateHandler(settings, log, stats);
  const pending = new Set<Promise<void>>();

  const server = createServer((request, response) => {
    const at = now();
    const work = route(request, response, at).catch((error: unknown) => {
      // Only a defect of the emulator, or its log's disk, gets here: the client must see it.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(`emulator: ${error instanceof Error ? error.message : 'unknown error'}\n`);
    });
    pending.add(work);
    void work.finally(() => pending.delete(work));
  });
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;

  async function route(request: IncomingMessage, response: ServerResponse, at: number): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://emulator');
    const generate = /^\/(v1(?:beta|alpha)?)\/models\/([^/]+):generateContent$/.exec(pathname);
    if (request.method === 'POST' && generate?.[1] !== undefined && generate[2] !== undefined) {
      const key = request.headers['x-goog-api-key'] ?? searchParams.get('key');
      await handle(request, response, { at, version: generate[1], model: decodeURIComponent(generate[2]), key });
      return;
    }
    request.resume();
    if (pathname === '/__emulator/health') await send(response, ok({ status: 'ok', emulates: 'gemini' }));
    else if (pathname === '/__emulator/calls') await send(response, ok(stats));
    else await send(response, errorReply(errors.notFound()));
  }

  try {
    server.listen(settings.port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    log.close();
    throw new SluiceError('USAGE', `The Gemini emulator cannot listen on port ${settings.port}.`, { cause: error });
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : settings.port;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      await Promise.all(pending);
      log.close();
    },
  };
}

function ok(body: object): Reply {
  return { status: 200, text: JSON.stringify(body) };
}
