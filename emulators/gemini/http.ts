import type { ServerResponse } from 'node:http';

/** The vendor's limit of a request with inline data. */
export const maxBodyBytes = 20 * 1024 * 1024;

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
