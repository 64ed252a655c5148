import { WebSocket, type Dispatcher } from 'undici';
import { authorizationOf } from './http.ts';
import { socketMessageSchema } from './schemas.ts';

/** What a server's WebSocket says of one prompt. */
export type ComfyProgressEvent =
  | { event: 'progress'; node: string | null; value: number; max: number }
  | { event: 'executing'; node: string }
  /** Done, failed or interrupted: history knows which. */
  | { event: 'ended' };

type Listener = (event: ComfyProgressEvent) => void;

const firstDelayMs = 250;
const longestDelayMs = 5_000;

/** A server's WebSocket: open while somebody listens, opened again when it breaks. */
export class ProgressSocket {
  readonly #address: () => Promise<URL>;
  readonly #dispatcher: Dispatcher | undefined;
  readonly #listeners = new Map<string, Set<Listener>>();
  #socket: WebSocket | null = null;
  #connecting = false;
  #delayMs = firstDelayMs;
  #retry: NodeJS.Timeout | undefined;

  constructor(address: () => Promise<URL>, dispatcher: Dispatcher | undefined) {
    this.#address = address;
    this.#dispatcher = dispatcher;
  }

  watch(promptId: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(promptId) ?? new Set();
    this.#listeners.set(promptId, listeners.add(listener));
    this.#open();
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(promptId);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #open(): void {
    if (this.#socket !== null || this.#connecting || this.#retry !== undefined) return;
    this.#connecting = true;
    this.#address()
      .then((url) => this.#connect(url))
      .catch(() => this.#again())
      .finally(() => (this.#connecting = false));
  }

  #connect(url: URL): void {
    if (this.#listeners.size === 0) return;
    const socket = new WebSocket(url, {
      headers: authorizationOf(url),
      ...(this.#dispatcher !== undefined && { dispatcher: this.#dispatcher }),
    });
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => (this.#delayMs = firstDelayMs));
    socket.addEventListener('message', ({ data }: { data: unknown }) => {
      // Binary frames are previews.
      if (typeof data === 'string') this.#told(data);
    });
    // A failed connection closes too.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#again();
    });
  }

  #again(): void {
    if (this.#listeners.size === 0) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#open();
    }, this.#delayMs).unref();
    this.#delayMs = Math.min(this.#delayMs * 2, longestDelayMs);
  }

  #told(text: string): void {
    const message = socketMessageSchema.safeParse(parse(text)).data;
    const listeners = this.#listeners.get(message?.data.prompt_id ?? '');
    if (message === undefined || listeners === undefined) return;
    const event = eventOf(message.type, message.data);
    if (event !== undefined) for (const listener of listeners) listener(event);
  }
}

function eventOf(
  type: string,
  { node, value, max }: { node?: string | null | undefined; value?: number | undefined; max?: number | undefined },
): ComfyProgressEvent | undefined {
  if (type === 'progress' && value !== undefined && max !== undefined) {
    return { event: 'progress', node: node ?? null, value, max };
  }
  // The only one that comes after history is written.
  if (type === 'executing')
    return node === null || node === undefined ? { event: 'ended' } : { event: 'executing', node };
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
