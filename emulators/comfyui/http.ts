import type { ServerResponse } from 'node:http';

/** The largest body ComfyUI takes unless told otherwise. */
export const maxBodyBytes = 100 * 1024 * 1024;

export interface Reply {
  status: number;
  body: Buffer;
  headers: Record<string, string>;
}

export function json(value: unknown, status = 200): Reply {
  return {
    status,
    body: Buffer.from(JSON.stringify(value)),
    headers: { 'content-type': 'application/json; charset=utf-8' },
  };
}

export function plain(status: number, text: string): Reply {
  return { status, body: Buffer.from(text), headers: { 'content-type': 'text/plain; charset=utf-8' } };
}

export const empty: Reply = { status: 200, body: Buffer.alloc(0), headers: {} };

/** Sends a reply; `cut` breaks the connection half way through its body. A client that is gone is none of our business. */
export function send(response: ServerResponse, reply: Reply, { cut, head }: { cut: boolean; head: boolean }): void {
  if (response.destroyed) return;
  const { body } = reply;
  response.writeHead(reply.status, { 'content-length': body.byteLength, ...reply.headers });
  if (head) response.end();
  else if (!cut) response.end(body);
  else response.write(body.subarray(0, body.byteLength >> 1), () => response.socket?.destroy());
}
