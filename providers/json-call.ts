import { Agent, type Dispatcher } from 'undici';
import type { CallOptions } from './image-provider.ts';
import { ProviderError } from './provider-error.ts';

/** A call of a vendor's API. */
export interface JsonCall {
  /** As it is called in messages. */
  vendor: string;
  url: URL;
  /** Besides those of JSON; the key is among them. */
  headers: Readonly<Record<string, string>>;
  /** Sent as JSON; left out: the call is a GET. */
  body?: unknown;
}

/** A reply as it came. */
interface RawReply {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  data: Buffer;
}

export interface HttpReply {
  status: number;
  /** The `retry-after` header. */
  retryAfter: string | undefined;
  text: string;
}

/**
 * One pool for all calls of the process, so that keep-alive connections are shared. HTTP/1.1: a broken
 * connection then costs one call and not every call that shares it. undici's own timeouts are off: the
 * caller's single deadline covers connecting, waiting and reading.
 */
const sharedAgent = new Agent({
  connections: 128,
  allowH2: false,
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 30_000,
});

/** {@link callBytes} with a reply of text. */
export async function callJson(call: JsonCall, options: CallOptions, dispatcher?: Dispatcher): Promise<HttpReply> {
  const { status, headers, data } = await callBytes(call, options, dispatcher);
  return { status, retryAfter: headerOf(headers, 'retry-after'), text: data.toString('utf8') };
}

/** Of several values the first. */
export function headerOf(headers: RawReply['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/**
 * Sends a call and reads the whole reply, whatever its status. Redirects are not followed.
 *
 * @throws the reason of `options.signal`, untouched, when the caller aborts.
 * @throws ProviderError TIMEOUT after `options.timeoutMs`, body included; UNAVAILABLE when the connection
 * fails or breaks before the reply is whole.
 */
export async function callBytes(
  call: JsonCall,
  options: CallOptions,
  dispatcher: Dispatcher = sharedAgent,
): Promise<RawReply> {
  options.signal.throwIfAborted();
  const timeout = AbortSignal.timeout(options.timeoutMs);
  try {
    return await dispatch(dispatcher, call, {
      signal: AbortSignal.any([options.signal, timeout]),
      onSent: options.onSent,
    });
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (timeout.aborted) {
      throw new ProviderError('TIMEOUT', `${call.vendor} did not answer within ${options.timeoutMs / 1_000} s.`);
    }
    const code = connectionErrorCode(error);
    if (code === undefined) throw error;
    throw new ProviderError('UNAVAILABLE', `The connection to ${call.vendor} at ${call.url.host} failed (${code}).`, {
      cause: error,
    });
  }
}

/** The code of an error that came from the network; undefined for a defect of ours. */
function connectionErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED'].includes(error.code) ? undefined : error.code;
}

/**
 * undici's own dispatch rather than its `request`, for `onRequestSent`: it runs right after the last byte
 * of the request is written to the socket, where a body generator would end before that write.
 */
function dispatch(
  dispatcher: Dispatcher,
  { url, headers, body }: JsonCall,
  { signal, onSent }: { signal: AbortSignal; onSent: (() => void) | undefined },
): Promise<RawReply> {
  const { promise, resolve, reject } = Promise.withResolvers<RawReply>();
  const chunks: Buffer[] = [];
  let reply: Omit<RawReply, 'data'> = { status: 0, headers: {} };
  let controller: Dispatcher.DispatchController | undefined;
  const abort = () => {
    const reason = new Error('The call was abandoned.');
    controller?.abort(reason);
    // A request still waiting for a connection has no controller: it is dropped when it gets one.
    reject(reason);
  };
  signal.addEventListener('abort', abort, { once: true });

  dispatcher.dispatch(
    {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      ...(body === undefined
        ? { method: 'GET', headers: { accept: '*/*', ...headers } }
        : {
            method: 'POST',
            headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
            body: JSON.stringify(body),
          }),
      headersTimeout: 0,
      bodyTimeout: 0,
    },
    {
      onRequestStart(started) {
        controller = started;
        if (signal.aborted) abort();
      },
      onRequestSent() {
        onSent?.();
      },
      onResponseStart(_, status, headers) {
        reply = { status, headers };
        // An interim reply (1xx) may come first.
        chunks.length = 0;
      },
      onResponseData(_, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        resolve({ ...reply, data: Buffer.concat(chunks) });
      },
      onResponseError(_, error) {
        reject(error);
      },
    },
  );
  return promise.finally(() => signal.removeEventListener('abort', abort));
}

/** A reply may quote what it was sent; a key must not get into a log that way. */
export function withoutKey(text: string, key: string): string {
  // A shorter "key" is a test's, and could be found in the base64 of an image by chance.
  return key.length < 16 ? text : text.replaceAll(key, '[API key]');
}

/** `Retry-After`: seconds, or an HTTP date; undefined when it is neither. */
export function retryAfterHeaderMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(header)) return Math.ceil(Number(header) * 1_000);
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
