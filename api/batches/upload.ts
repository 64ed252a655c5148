import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../../domain/errors.ts';
import { parse } from '../http/endpoint.ts';
import { batchOptionsSchema, type BatchOptions } from './schemas.ts';

/** A file under way, and what the fields before it said. */
export interface Upload {
  options: BatchOptions;
  /** Its name is the client's. */
  filename: string;
  file: AsyncIterable<Uint8Array>;
}

/**
 * Reads a multipart body up to its file, which is then read as it arrives and never held. Options are fields of
 * their own, or one field `options` of JSON, and come before the file.
 *
 * @throws SluiceError USAGE, BODY_TOO_LARGE
 */
export async function readUpload(request: FastifyRequest, maxBytes: number): Promise<Upload> {
  const fields: Record<string, unknown> = {};
  const limits = { files: 1, fields: 50, fieldSize: 1024 * 1024, fileSize: maxBytes };
  const parts = request.parts({ limits });
  for (;;) {
    const next = await parts.next();
    if (next.done === true) break;
    const part = next.value;
    if (part.type === 'field') {
      if (part.fieldname === 'options') Object.assign(fields, parseJson(part.value));
      else fields[part.fieldname] = valueOf(part.fieldname, part.value);
      continue;
    }
    const options = parse(batchOptionsSchema, fields) as BatchOptions;
    return {
      options: { format: formatOf(part.filename), ...options },
      filename: part.filename,
      file: whole(part.file, parts),
    };
  }
  throw new SluiceError('USAGE', 'file: is missing.', { action: 'Send the input as a file, after the options.' });
}

/**
 * A file that was cut off at the limit must not become a batch of its first half, and what comes after it must
 * not be left out unsaid: the batch is started when the file has ended.
 */
async function* whole(
  file: AsyncIterable<Uint8Array> & { truncated: boolean },
  parts: AsyncIterator<unknown>,
): AsyncGenerator<Uint8Array> {
  yield* file;
  if (file.truncated) throw new SluiceError('BODY_TOO_LARGE', 'The file is larger than this service takes.');
  const next = await parts.next();
  if (next.done !== true)
    throw new SluiceError('USAGE', 'file: must be the last field.', {
      action: 'Send the options before the file.',
    });
}

/** Fields are text; what is no text among the options is read as JSON. */
function valueOf(name: string, value: unknown): unknown {
  const schema = (batchOptionsSchema.shape as Record<string, { safeParse(value: unknown): { success: boolean } }>)[
    name
  ];
  if (schema === undefined || typeof value !== 'string' || schema.safeParse(value).success) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function parseJson(value: unknown): object {
  try {
    const parsed: unknown = JSON.parse(String(value));
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Said below.
  }
  throw new SluiceError('USAGE', 'options: must be a JSON object.');
}

function formatOf(filename: string): 'csv' | 'jsonl' | 'auto' {
  if (/\.(?:csv|tsv)$/i.test(filename)) return 'csv';
  return /\.(?:jsonl|ndjson)$/i.test(filename) ? 'jsonl' : 'auto';
}
