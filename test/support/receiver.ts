import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** What a receiver got; `body` is JSON. */
export interface Received {
  headers: IncomingHttpHeaders;
  text: string;
  body: { id: string; type: string; source: string; subject?: string; data: Record<string, unknown> };
}

/** A receiver of webhooks over real HTTP. */
export interface Receiver {
  url: string;
  received: Received[];
  /** Types of what was answered with success, in order. */
  types: () => string[];
  /** Answers this from now on; null: breaks the connection off; endless: 200 and a body without end. @default 204 */
  answer: (status: number | 'endless' | null) => void;
  close: () => Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  const taken: string[] = [];
  let status: number | 'endless' | null = 204;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const body = JSON.parse(text) as Received['body'];
      received.push({ headers: request.headers, text, body });
      if (status === null) {
        request.socket.destroy();
        return;
      }
      if (status === 'endless') {
        taken.push(body.type);
        response.write('…');
        return;
      }
      if (status < 300) taken.push(body.type);
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/hook`,
    received,
    types: () => taken,
    answer: (next) => {
      status = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

/** Throws unless the signature is right, by the scheme's own library. */
export function verify(secret: string, { headers, text }: Received): void {
  new Webhook(secret).verify(text, headers as Record<string, string>);
}
