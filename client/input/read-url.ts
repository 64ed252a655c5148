import { SluiceError } from '../../domain/errors.ts';

/** From the request to the first byte of the answer. */
const patienceMs = 60_000;

/**
 * The bytes behind an http(s) address, as they come.
 * @throws SluiceError INPUT_NOT_FOUND, INPUT_UNREADABLE naming the address without what may be secret in it
 */
export async function* readUrl(url: string): AsyncGenerator<Uint8Array> {
  const name = publicUrl(url);
  const answered = new AbortController();
  const timer = setTimeout(() => answered.abort(new Error('no answer within a minute')), patienceMs);
  try {
    const response = await fetch(url, { signal: answered.signal });
    clearTimeout(timer);
    if (response.status === 404 || response.status === 410) {
      throw new SluiceError('INPUT_NOT_FOUND', `${name} does not exist (${String(response.status)})`);
    }
    if (!response.ok || response.body === null) {
      throw new SluiceError('INPUT_UNREADABLE', `${name} answered with status ${String(response.status)}`, {
        action: 'Check the address, and that it can be read without logging in.',
      });
    }
    for await (const chunk of response.body) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('INPUT_UNREADABLE', `${name} cannot be read: ${reason}`, {
      action: 'Check the address and the network, then run again.',
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Without user, password and query, which may hold a key. */
export function publicUrl(url: string): string {
  if (!URL.canParse(url)) return 'the address';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
