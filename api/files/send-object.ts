import { basename } from 'node:path';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SluiceError } from '../../domain/errors.ts';
import type { Store } from '../../storage/store.ts';
import { isSame } from '../http/etag.ts';
import { contentType, isShown } from './content-type.ts';

/** Bytes read at a time. */
const chunkBytes = 256 * 1024;

export interface SendObjectInput {
  store: Store;
  key: string;
  request: FastifyRequest;
  reply: FastifyReply;
  download: boolean;
  /** How long a browser may use it without asking again, seconds. */
  maxAgeSeconds: number;
}

interface FoundObject {
  size: number;
  modifiedAt: Date;
  etag: string;
}

/** @throws SluiceError FILE_NOT_FOUND */
export async function findObject(store: Store, key: string): Promise<FoundObject> {
  const found = await store.stat(key);
  if (found === null) throw new SluiceError('FILE_NOT_FOUND', `The batch has no file ${key}.`);
  const { size, modifiedAt } = found;
  return { size, modifiedAt, etag: `"${size.toString(36)}-${modifiedAt.getTime().toString(36)}"` };
}

/**
 * Headers of a file of a batch. Whatever it holds, it cannot run as a page of ours: its type is never one that
 * browsers run, and a sandbox of its own holds what it may be.
 */
export function fileHeaders(
  { maxAgeSeconds }: Pick<SendObjectInput, 'maxAgeSeconds'>,
  { modifiedAt, etag, type }: Omit<FoundObject, 'size'> & { type: string },
): Record<string, string> {
  return {
    etag,
    'last-modified': modifiedAt.toUTCString(),
    'cache-control': maxAgeSeconds > 0 ? `private, max-age=${String(maxAgeSeconds)}` : 'private, no-cache',
    'content-type': type,
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  };
}

/**
 * Answers with an object of a store: whole, in part, or that a copy is still good.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 * @throws SluiceError FILE_NOT_FOUND
 */
export async function sendObject(input: SendObjectInput): Promise<void> {
  const { store, key, request, reply, download } = input;
  const found = await findObject(store, key);
  const { size, etag } = found;
  const type = contentType(key);
  const disposition = download || !isShown(type) ? 'attachment' : 'inline';
  void reply.headers({
    ...fileHeaders(input, { ...found, type }),
    'accept-ranges': 'bytes',
    'content-disposition': `${disposition}; filename*=UTF-8''${encodeURIComponent(basename(key))}`,
  });
  if (isSame(request.headers['if-none-match'], etag)) {
    await reply.status(304).send();
    return;
  }
  const wanted = rangeOf(request, size, etag);
  if (wanted === 'unsatisfiable') {
    await reply
      .status(416)
      .header('content-range', `bytes */${String(size)}`)
      .send();
    return;
  }
  const { first, last } = wanted ?? { first: 0, last: size - 1 };
  if (wanted !== null) {
    void reply.status(206).header('content-range', `bytes ${String(first)}-${String(last)}/${String(size)}`);
  }
  await reply.header('content-length', String(last - first + 1)).send(Readable.from(bytes(store, key, first, last)));
}

/** The one range that is asked for; null: the whole object, which is also the answer to several. */
function rangeOf(
  { headers }: FastifyRequest,
  size: number,
  etag: string,
): { first: number; last: number } | 'unsatisfiable' | null {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? [];
  if (from === '' && to === '') return null;
  const ifRange = headers['if-range'];
  if (ifRange !== undefined && ifRange !== etag) return null;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return null;
  return first >= size || (from === '' && Number(to) === 0) ? 'unsatisfiable' : { first, last };
}

async function* bytes(store: Store, key: string, first: number, last: number): AsyncGenerator<Buffer> {
  for (let offset = first; offset <= last;) {
    const chunk = await store.getRange(key, offset, Math.min(chunkBytes, last - offset + 1));
    if (chunk === null || chunk.length === 0) throw new SluiceError('FILE_NOT_FOUND', `${key} was removed meanwhile.`);
    offset += chunk.length;
    yield chunk;
  }
}
