import type { FastifyRequest } from 'fastify';
import type { ApiSettings } from '../../client/api-settings.ts';
import { SluiceError } from '../../domain/errors.ts';
import { fetchInput, type ArrivingInput } from '../../providers/http/fetch-input.ts';
import { batchOptionsSchema, type BatchOptions, type CreateBody } from './schemas.ts';
import { readUpload } from './upload.ts';

/** What a request for a batch asks for, however it was sent. */
export interface BatchRequest {
  options: BatchOptions;
  input: ArrivingInput;
  /** The header `Idempotency-Key`. */
  key: string | undefined;
}

/**
 * Reads a request up to its items, which are read as they arrive: a body of JSON with items or an address, or an
 * upload.
 *
 * @param body absent where the request is an upload
 * @throws SluiceError USAGE, HOST_NOT_ALLOWED, UNAVAILABLE
 */
export async function readRequest(
  request: FastifyRequest,
  body: CreateBody | undefined,
  settings: ApiSettings,
): Promise<BatchRequest> {
  const key = request.headers['idempotency-key'];
  if (key !== undefined && (typeof key !== 'string' || key === '' || key.length > 100)) {
    throw new SluiceError('USAGE', 'Idempotency-Key: must be 1 to 100 characters.');
  }
  if (request.isMultipart()) {
    const { options, file, filename } = await readUpload(request, settings.max_upload_bytes, batchOptionsSchema);
    return { options, input: { stream: file, name: filename }, key };
  }
  const { items = [], url, ...options } = body ?? {};
  if (url !== undefined) return { options, input: await fetchInput(url, settings), key };
  return { options: { ...options, format: 'jsonl' }, input: itemsInput(items), key };
}

/** Items of a request, as a JSONL that arrives. */
export function itemsInput(items: readonly unknown[]): ArrivingInput {
  return { stream: lines(items), name: 'items.jsonl' };
}

/** One after the other, so that the text of all of them never exists at once. */
async function* lines(items: readonly unknown[]): AsyncGenerator<string> {
  for (const item of items) yield await Promise.resolve(`${JSON.stringify(item)}\n`);
}
