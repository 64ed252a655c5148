import type { IncomingMessage, ServerResponse } from 'node:http';

/** The vendor's limit of a request with inline data. */
const maxBodyBytes = 20 * 1024 * 1024;

/** The body; null when it is larger than the vendor takes. Rejects when the client goes away. */
export async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stream: AsyncIterable<Buffer> = request;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
  }
  return size <= maxBodyBytes ? Buffer.concat(chunks).toString('utf8') : null;
}

/** What is put on the wire; `cut` breaks the connection half way through the text. */
export interface Reply {
  status: number;
  text: string;
  cut?: boolean;
}

/** Sends a reply; resolves once it is with the operating system, rejects if the client goes away before. */
export async function send(response: ServerResponse, { status, text, cut }: Reply): Promise<void> {
  if (response.destroyed) throw new Error('The client went away.');
  const body = Buffer.from(text);
  await new Promise<void>((resolve, reject) => {
    response.once('finish', resolve);
    response.once('close', () => reject(new Error('The client went away.')));
    response.writeHead(status, {
      'content-type': 'application/json; charset=UTF-8',
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
