import { lookup as resolve } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import { SluiceError } from '../../domain/errors.ts';
import { hostProblem, isListed, isPublicAddress, type HostRules } from '../../domain/host-rules.ts';

/** A request to an address that a user gave. */
export interface GuardedRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  /** Names of headers that are not sent on when a redirect leads to another origin, in lower case. */
  secretHeaders: readonly string[];
  rules: HostRules;
  /** For everything together, redirects and the reading of the answer included. */
  timeoutMs: number;
  /** A longer answer is given up; `ignored`: its status is all that matters, and no body is waited for. */
  maxBytes: number | 'ignored';
  signal: AbortSignal;
  /** @default 5 */
  maxRedirects?: number;
  /** Called when the request is about to be sent: from here on the other side may have got it. */
  onSend?: () => void;
}

export interface GuardedReply {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/**
 * Sends a request to an address of a user's choice, so that it cannot reach the inside network unless that is
 * listed: the address is checked before, again at every redirect, and what a name resolves to when the
 * connection is made, so that a name that changes its address between check and use helps nobody.
 *
 * @throws the reason of `signal`, untouched; SluiceError HOST_NOT_ALLOWED, TIMEOUT, UNAVAILABLE; INVALID_INPUT
 * for an answer that is too long, too many redirects, or a URL that is none
 */
export async function sendGuarded(options: GuardedRequest): Promise<GuardedReply> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([options.signal, timeout]);
  try {
    return await follow({ ...options, signal });
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason;
    if (timeout.aborted) {
      throw new SluiceError('TIMEOUT', `${hostOf(options.url)} did not answer within ${options.timeoutMs / 1_000} s.`);
    }
    const known = refusalIn(error);
    if (known !== null) throw known;
    throw new SluiceError('UNAVAILABLE', `${hostOf(options.url)} cannot be reached (${reasonOf(error)}).`, {
      cause: error,
    });
  }
}

async function follow(options: GuardedRequest): Promise<GuardedReply> {
  let url = parseUrl(options.url);
  let { method, body, headers } = options;
  for (let redirects = 0; ; redirects += 1) {
    const problem = hostProblem(options.rules, url);
    if (problem !== null) throw refusal(problem);
    const reply = await exchange(url, { ...options, method, body, headers });
    const { location } = reply.headers;
    if (![301, 302, 303, 307, 308].includes(reply.status) || location === undefined) return reply;
    if (redirects >= (options.maxRedirects ?? 5)) {
      throw new SluiceError('INVALID_INPUT', `${url.host} redirects too often.`);
    }
    const next = parseUrl(location, url);
    if (next.origin !== url.origin) headers = without(headers, options.secretHeaders);
    // As browsers do: only 307 and 308 send the body again.
    if (reply.status < 307 && method !== 'GET' && method !== 'HEAD') {
      method = 'GET';
      body = undefined;
      headers = without(headers, ['content-type', 'content-length']);
    }
    url = next;
  }
}

/** One request and its whole answer. */
async function exchange(url: URL, options: GuardedRequest): Promise<GuardedReply> {
  const agent = agentFor(options.rules, url);
  try {
    options.onSend?.();
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      method: options.method,
      headers: { ...options.headers },
      body: options.body ?? null,
      signal: options.signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const { maxBytes } = options;
    if (maxBytes === 'ignored') body.on('error', () => undefined).destroy();
    const bytes = maxBytes === 'ignored' ? Buffer.alloc(0) : await readBounded(body, maxBytes);
    return { status: statusCode, headers: flatten(headers), body: bytes };
  } finally {
    await agent.destroy();
  }
}

/** Connects, for one request, and looks at what its name resolves to unless the address is listed. */
function agentFor(rules: HostRules, url: URL): Agent {
  const trusted = isListed(rules, url);
  return new Agent({ connections: 1, allowH2: false, connect: trusted ? {} : { lookup: publicLookup } });
}

/** Resolves a name, and refuses it when one of its addresses is not public. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    // There are none then, whatever the type says.
    if (error !== null) {
      callback(error, '');
      return;
    }
    const [first] = addresses;
    if (first === undefined || addresses.some(({ address }) => !isPublicAddress(address))) {
      callback(refusal(`${hostname} leads into the inside network`), '');
    } else if (options.all === true) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};

function refusal(problem: string): SluiceError {
  return new SluiceError('HOST_NOT_ALLOWED', `A request was refused: ${problem}.`);
}

/** The code of an error, else its words. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** An error of ours, also inside what undici made of it. */
function refusalIn(error: unknown): SluiceError | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) if (at instanceof SluiceError) return at;
  return null;
}

async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) {
      throw new SluiceError('INVALID_INPUT', `The answer is longer than ${String(maxBytes)} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parseUrl(text: string, base?: URL): URL {
  if (URL.canParse(text, base?.href)) return new URL(text, base);
  throw new SluiceError('INVALID_INPUT', 'url: is not an address');
}

/** For messages: never the whole address, which may hold a key. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'The address';
}

function without(headers: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name.toLowerCase())));
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  );
}
