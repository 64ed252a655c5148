import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { credentialsSchema, type Credentials } from './credentials.ts';
import type { EngineReport } from './engine-status.ts';

/** What the control socket can ask of the engine. */
export interface ControlHandlers {
  status(): EngineReport;
  stop(): void;
  /** Resolves when the workers use them. */
  setCredentials(credentials: Credentials): Promise<void>;
}

/**
 * Serves `GET /status`, `POST /stop` and `POST /credentials` on a Unix socket only its owner can open.
 * A socket file left by a dead engine is replaced: the caller holds the home's lock.
 */
export async function startControlServer(socket: string, handlers: ControlHandlers): Promise<Server> {
  rmSync(socket, { force: true });
  const server = createServer((request, response) => {
    void answer(request, response, handlers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  chmodSync(socket, 0o600);
  return server;
}

async function answer(request: IncomingMessage, response: ServerResponse, handlers: ControlHandlers): Promise<void> {
  const route = `${request.method ?? ''} ${request.url ?? ''}`;
  if (route === 'GET /status') {
    send(response, 200, handlers.status());
  } else if (route === 'POST /stop') {
    send(response, 202, handlers.status());
    handlers.stop();
  } else if (route === 'POST /credentials') {
    const body = credentialsSchema.safeParse(await json(request).catch(() => null));
    if (!body.success) {
      send(response, 400, { error: 'Credentials expected.' });
      return;
    }
    await handlers.setCredentials(body.data).then(
      () => {
        send(response, 200, handlers.status());
      },
      (error: unknown) => {
        send(response, 503, { error: error instanceof Error ? error.message : String(error) });
      },
    );
  } else {
    send(response, 404, { error: `No such route: ${route}` });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(text);
}
