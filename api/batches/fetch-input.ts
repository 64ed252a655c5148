import { basename } from 'node:path';
import type { ApiSettings } from '../../client/api-settings.ts';
import { SluiceError } from '../../domain/errors.ts';
import { openGuarded } from '../../providers/http/guarded-stream.ts';

/** Items that arrive. */
export interface ArrivingInput {
  stream: AsyncIterable<Uint8Array | string>;
  /** What messages and files beside the batch call it. */
  name: string;
}

/** How long an address may take to begin to answer, milliseconds. */
const beginMs = 30_000;

/**
 * Opens an input at an address. It has to begin with one that the configuration allows, and so has every address
 * it redirects to: nothing else is asked, inside or outside.
 *
 * @throws SluiceError HOST_NOT_ALLOWED, UNAVAILABLE, TIMEOUT
 */
export async function fetchInput(url: string, settings: ApiSettings): Promise<ArrivingInput> {
  const { status, body } = await openGuarded({
    url,
    mayAsk: (asked) => {
      if (settings.input_urls.some((allowed) => isBelow(asked, new URL(allowed)))) return;
      throw new SluiceError('HOST_NOT_ALLOWED', `${asked.host} is not among the addresses inputs may come from.`, {
        action: 'Upload the file, or add the address to input_urls of api: in the configuration.',
      });
    },
    beginMs,
  });
  if (status !== 200) {
    throw new SluiceError('UNAVAILABLE', `The address of the input answered ${String(status)}.`, {
      action: 'Check the address, or upload the file.',
    });
  }
  return { stream: limited(body, settings.max_upload_bytes), name: basename(new URL(url).pathname) || 'input' };
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
