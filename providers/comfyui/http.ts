import { Agent, FormData, request, type Dispatcher } from 'undici';
import { SluiceError } from '../../domain/errors.ts';
import { ProviderError } from '../provider-error.ts';

export interface HttpReply {
  status: number;
  /** The type without its parameters, e.g. `image/png`. */
  contentType: string;
  body: Buffer;
}

export interface HttpRequest {
  method?: 'GET' | 'POST' | 'HEAD';
  /** An object is sent as JSON. */
  body?: object | FormData;
  signal?: AbortSignal;
  timeoutMs: number;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** undici's own timeouts are off: one deadline covers connecting, waiting and reading. */
const sharedAgent = new Agent({ connections: 32, headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000 });

/**
 * The address of a server, without a trailing slash.
 *
 * @throws SluiceError CONFIG_INVALID when it is no http(s) address.
 */
export function normalizeBaseUrl(baseUrl: string): URL {
  const url = URL.parse(baseUrl.trim());
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new SluiceError('CONFIG_INVALID', `The address of a ComfyUI server is not an http(s) address: ${baseUrl}`);
  }
  url.pathname = url.pathname.replace(/\/+$/, '');
  url.search = '';
  url.hash = '';
  return url;
}

/** The header for user and password of an address: undici sends none by itself. Nothing where there are none. */
export function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

/**
 * Sends a request and reads the whole reply, whatever its status.
 *
 * @throws the reason of `signal`, untouched, when the caller aborts.
 * @throws ProviderError TIMEOUT after `timeoutMs`; UNAVAILABLE when the connection fails or breaks before
 * the reply is whole. After either, the server may have done what it was asked.
 */
export async function send(
  url: URL,
  { method = 'GET', body, signal, timeoutMs }: HttpRequest,
  dispatcher: Dispatcher = sharedAgent,
): Promise<HttpReply> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const reply = await request(url, {
      method,
      dispatcher,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      headers: {
        ...authorizationOf(url),
        ...(body !== undefined && !(body instanceof FormData) && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
    const contentType = reply.headers['content-type'];
    return {
      status: reply.statusCode,
      contentType: (typeof contentType === 'string' ? contentType : '').split(';')[0]?.trim() ?? '',
      body: Buffer.from(await reply.body.arrayBuffer()),
    };
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    if (timeout.aborted) {
      throw new ProviderError('TIMEOUT', `ComfyUI at ${url.host} did not answer within ${timeoutMs / 1_000} s.`);
    }
    const code = networkCode(error);
    if (code === undefined) throw error;
    throw new ProviderError('UNAVAILABLE', `The connection to ComfyUI at ${url.host} failed (${code}).`, {
      cause: error,
    });
  }
}

/** The code of an error that came from the network; undefined for a defect of ours. */
function networkCode(error: unknown): string | undefined {
  // undici passes on a body that broke off as `terminated`, with what happened as its cause.
  const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error) || !('code' in cause) || typeof cause.code !== 'string') return undefined;
  return ['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED'].includes(cause.code) ? undefined : cause.code;
}
