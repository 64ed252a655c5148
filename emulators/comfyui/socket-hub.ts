import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** PREVIEW_IMAGE: big-endian event 1, format 2 (PNG), bytes. */
const preview = Buffer.concat([Buffer.from('0000000100000002', 'hex'), Buffer.from('89504e470d0a1a0a', 'hex')]);

/** The WebSockets of `/ws?clientId=`: a second one with the same id takes the first one's place. */
export class SocketHub {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #sockets = new Map<string, WebSocket>();

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, clientId: string | null, status: () => object): void {
    this.#server.handleUpgrade(request, socket, head, (opened) => {
      const id = clientId || randomUUID().replaceAll('-', '');
      this.#sockets.set(id, opened);
      // A client that vanishes is no fault of ours.
      opened.on('error', () => opened.terminate());
      opened.on('close', () => {
        if (this.#sockets.get(id) === opened) this.#sockets.delete(id);
      });
      opened.send(JSON.stringify({ type: 'status', data: { status: status(), sid: id } }));
    });
  }

  /** To one client, or to all. */
  send(clientId: string | null, type: string, data: object): void {
    const text = JSON.stringify({ type, data });
    for (const socket of this.#targets(clientId)) socket.send(text);
  }

  sendPreview(clientId: string): void {
    for (const socket of this.#targets(clientId)) socket.send(preview);
  }

  closeAll(): void {
    for (const socket of this.#server.clients) socket.terminate();
    this.#sockets.clear();
  }

  #targets(clientId: string | null): WebSocket[] {
    if (clientId === null) return [...this.#sockets.values()];
    const socket = this.#sockets.get(clientId);
    return socket === undefined ? [] : [socket];
  }
}
