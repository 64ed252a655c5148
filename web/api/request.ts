import { changes } from './changes.ts';

/** What the API said no to, by its problem details (RFC 9457). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** Of domain/errors.ts; null where nothing of the API answered. */
  readonly code: string | null;
  /** What a person can do about it. */
  readonly action: string | null;

  constructor(status: number, message: string, { code = null, action = null }: Partial<Problem> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.action = action;
  }
}

interface Problem {
  code: string | null;
  action: string | null;
}

interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON, or as it is if it is a form. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/**
 * Asks the API, which is where the page came from.
 * @throws ApiError whatever went wrong, also where nobody answered (status 0)
 */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', body, headers = {}, signal } = options;
  const isForm = body instanceof FormData || body instanceof Blob;
  const json = body === undefined || isForm ? {} : { 'content-type': 'application/json' };
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: { accept: 'application/json', ...json, ...headers },
      ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, 'The engine does not answer.', { action: 'Is it running? Start it with: sluice up' });
  }
  if (response.status === 401) changes.dispatchEvent(new Event('unauthenticated'));
  if (!response.ok) throw await problemOf(response);
  return response;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, { signal });
  return (await response.json()) as T;
}

/** Changes something. Replies without a body give undefined. */
export async function send<T>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<T> {
  const response = await request(path, { method, body, headers });
  const text = await response.text();
  changes.dispatchEvent(new Event('change'));
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

async function problemOf(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const text = (name: string): string | null => (typeof problem[name] === 'string' ? problem[name] : null);
  const message = text('detail') ?? text('title') ?? `The engine answered ${String(response.status)}.`;
  return new ApiError(response.status, message, { code: text('code'), action: text('action') });
}
