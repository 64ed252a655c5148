import { createHash, type Hash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { ApiSettings } from '../../client/api-settings.ts';
import type { InputSource } from '../../client/input/source.ts';
import { fetchInput } from './fetch-input.ts';
import type { BatchOptions, CreateBody } from './schemas.ts';
import { readUpload } from './upload.ts';

/** What a request for a batch asks for, however it was sent. */
export interface BatchRequest {
  options: BatchOptions;
  /** Opens its items; asked once at most. */
  open: () => Promise<InputSource>;
  /** Told once the input has been read, or reads it: the same request gives the same. */
  fingerprint: () => Promise<string>;
}

/**
 * Reads a request up to its items, which are read as they arrive: a body of JSON with items or an address, or an
 * upload.
 *
 * @param body absent where the request is an upload
 * @throws SluiceError USAGE
 */
export async function readRequest(
  request: FastifyRequest,
  body: CreateBody | undefined,
  settings: ApiSettings,
): Promise<BatchRequest> {
  if (request.isMultipart()) {
    const { options, file, filename } = await readUpload(request, settings.max_upload_bytes);
    return withFingerprint(options, file, filename);
  }
  const { items = [], url, ...options } = body ?? {};
  const fingerprint = (): Promise<string> => Promise.resolve(hashOf(body ?? {}).digest('hex'));
  if (url === undefined)
    return {
      options: { ...options, format: 'jsonl' },
      open: () => Promise.resolve({ stream: lines(items) }),
      fingerprint,
    };
  return { options, open: () => fetchInput(url, settings), fingerprint };
}

function withFingerprint(options: BatchOptions, file: AsyncIterable<Uint8Array>, name: string): BatchRequest {
  const hash = hashOf(options);
  const done = Promise.withResolvers<undefined>();
  let begun = false;
  async function* read(): AsyncGenerator<Uint8Array> {
    begun = true;
    try {
      for await (const chunk of file) {
        hash.update(chunk);
        yield chunk;
      }
    } finally {
      done.resolve(undefined);
    }
  }
  return {
    options,
    open: () => Promise.resolve({ stream: read(), name: plainName(name) }),
    async fingerprint() {
      if (!begun) for await (const _ of read());
      await done.promise;
      return hash.digest('hex');
    },
  };
}

function hashOf(value: object): Hash {
  return createHash('sha256').update(JSON.stringify(value));
}

/** A client's name for a file, as one that can be shown and written here. */
function plainName(name: string): string {
  return name.replace(/[^\p{L}\p{N}._ -]+/gu, '_').slice(-100);
}

/** One after the other, so that the text of all of them never exists at once. */
async function* lines(items: readonly unknown[]): AsyncGenerator<string> {
  for (const item of items) yield await Promise.resolve(`${JSON.stringify(item)}\n`);
}
