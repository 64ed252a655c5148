import { request } from 'undici';
import { SluiceError } from '../../domain/errors.ts';

const maxRedirects = 5;

export interface OpenGuardedInput {
  url: string;
  /** Throws unless an address may be asked; called for the first one and for each it redirects to. */
  mayAsk: (url: URL) => void;
  /** For the answer to begin, redirects included, milliseconds. How long its body takes is up to the reader. */
  beginMs: number;
}

/**
 * Asks an address and hands its answer out as it arrives, for what is too long to be held.
 *
 * @throws what `mayAsk` throws; SluiceError UNAVAILABLE, TIMEOUT
 */
export async function openGuarded({
  url: first,
  mayAsk,
  beginMs,
}: OpenGuardedInput): Promise<{ status: number; body: AsyncIterable<Uint8Array> }> {
  let url = new URL(first);
  const signal = AbortSignal.timeout(beginMs);
  for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
    mayAsk(url);
    const { statusCode, headers, body } = await ask(url, signal, beginMs);
    const { location } = headers;
    if (![301, 302, 303, 307, 308].includes(statusCode) || typeof location !== 'string') {
      return { status: statusCode, body };
    }
    await body.dump();
    if (!URL.canParse(location, url.href)) break;
    url = new URL(location, url);
  }
  throw new SluiceError('UNAVAILABLE', `${url.host} redirects to nowhere.`);
}

async function ask(url: URL, begin: AbortSignal, beginMs: number) {
  const stop = new AbortController();
  const giveUp = (): void => {
    stop.abort(new SluiceError('TIMEOUT', `${url.host} did not answer within ${String(beginMs / 1_000)} s.`));
  };
  begin.addEventListener('abort', giveUp);
  try {
    return await request(url, { signal: stop.signal, headersTimeout: 0, bodyTimeout: 60_000 });
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no connection';
    throw new SluiceError('UNAVAILABLE', `${url.host} cannot be reached (${code}).`, { cause: error });
  } finally {
    // From here on it is the reader's time.
    begin.removeEventListener('abort', giveUp);
  }
}
