import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { SluiceError } from '../../domain/errors.ts';

/** What is put on the wire; `cut` breaks the connection half way through. */
export interface Reply {
  status: number;
  /** JSON, unless `headers` say otherwise. */
  text: string | Uint8Array;
  headers?: Record<string, string>;
  cut?: boolean;
}

/** Sends a reply; resolves once it is with the operating system, rejects if the client goes away before. */
export async function send(response: ServerResponse, { status, text, headers, cut }: Reply): Promise<void> {
  if (response.destroyed) throw new Error('The client went away.');
  const body = Buffer.from(text);
  await new Promise<void>((resolve, reject) => {
    response.once('finish', resolve);
    response.once('close', () => reject(new Error('The client went away.')));
    response.writeHead(status, {
      'content-type': 'application/json; charset=UTF-8',
      ...headers,
      'content-length': body.byteLength,
    });
    if (cut !== true) {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, body.byteLength >> 1), () => {
      resolve();
      response.socket?.destroy();
    });
  });
}

/** Routes of one vendor. */
export interface HttpService {
  /** Answers a request that came at `at` (see `now`); null: it is none of this vendor's. */
  serve(request: IncomingMessage, response: ServerResponse, at: number): Promise<void> | null;
}

export interface HttpServer {
  /** Base address without a version, e.g. `http://127.0.0.1:40123`. */
  url: string;
  port: number;
  /** Breaks what is in flight and frees the port. */
  close(): Promise<void>;
}

/**
 * Serves vendors on one port of the loopback interface; of several that know a path the first answers.
 *
 * @param now clock of arrivals
 * @throws SluiceError USAGE when the port is taken
 */
export async function startHttpServer(
  services: readonly HttpService[],
  { port: wanted, now }: { port: number; now: () => number },
): Promise<HttpServer> {
  const pending = new Set<Promise<void>>();
  const server = createServer((request, response) => {
    const at = now();
    let served: Promise<void> | null = null;
    for (const service of services) served ??= service.serve(request, response, at);
    const work = (served ?? notFound(request, response)).catch((error: unknown) => {
      // Only a defect of the emulator, its log's disk, or a client that went away gets here.
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(`emulator: ${error instanceof Error ? error.message : 'unknown error'}\n`);
    });
    pending.add(work);
    void work.finally(() => pending.delete(work));
  });
  // Longer than any client keeps an idle connection, so that none is closed under a request.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  try {
    server.listen(wanted, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    throw new SluiceError('USAGE', `The emulator cannot listen on port ${String(wanted)}.`, { cause: error });
  }
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : wanted;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    port,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
      await Promise.all(pending);
    },
  };
}

function notFound(request: IncomingMessage, response: ServerResponse): Promise<void> {
  request.resume();
  return send(response, { status: 404, text: '{"error":{"message":"no such route"}}' });
}
