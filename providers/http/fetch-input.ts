import { basename } from 'node:path';
import { SluiceError } from '../../domain/errors.ts';
import { openGuarded } from './guarded-stream.ts';

/** Items that arrive. */
export interface ArrivingInput {
  stream: AsyncIterable<Uint8Array | string>;
  /** What messages and files beside the batch call it. */
  name: string;
}

/** What of `api:` in the configuration is about addresses of inputs. */
export interface InputRules {
  input_urls: readonly string[];
  max_upload_bytes: number;
}

/** How long an address may take to begin to answer, milliseconds. */
const beginMs = 30_000;

/**
 * Opens an input at an address. It has to begin with one that the configuration allows, and so has every address
 * it redirects to: nothing else is asked, inside or outside.
 *
 * @throws SluiceError HOST_NOT_ALLOWED, UNAVAILABLE, TIMEOUT
 */
export async function fetchInput(url: string, rules: InputRules): Promise<ArrivingInput> {
  const mayAsk = (asked: URL): void => {
    assertInputUrl(asked, rules);
  };
  const { status, body } = await openGuarded({ url, mayAsk, beginMs });
  if (status !== 200) {
    throw new SluiceError('UNAVAILABLE', `The address of the input answered ${String(status)}.`, {
      action: 'Check the address, or upload the file.',
    });
  }
  return { stream: limited(body, rules.max_upload_bytes), name: basename(new URL(url).pathname) || 'input' };
}

/** Throws HOST_NOT_ALLOWED unless an address begins with one that the configuration allows. */
export function assertInputUrl(url: URL, { input_urls: allowed }: Pick<InputRules, 'input_urls'>): void {
  if (allowed.some((prefix) => isBelow(url, new URL(prefix)))) return;
  throw new SluiceError('HOST_NOT_ALLOWED', `${url.host} is not among the addresses inputs may come from.`, {
    action: 'Upload the file, or add the address to input_urls of api: in the configuration.',
  });
}

/** Whether an address is one below another: the same server, and the same directory or file. */
function isBelow(url: URL, allowed: URL): boolean {
  if (url.origin !== allowed.origin || url.username !== '' || url.password !== '') return false;
  const directory = allowed.pathname.endsWith('/') ? allowed.pathname : `${allowed.pathname}/`;
  return url.pathname === allowed.pathname || url.pathname.startsWith(directory);
}

async function* limited(body: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new SluiceError('BODY_TOO_LARGE', 'The input is larger than this service takes.');
    yield chunk;
  }
}
