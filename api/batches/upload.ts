import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../../domain/errors.ts';
import type { z } from 'zod';
import { parse } from '../http/endpoint.ts';

/** A file under way, and what the fields before it said. */
export interface Upload<Options> {
  options: Options & { format: 'csv' | 'jsonl' | 'auto' };
  /** As its client calls it, in characters that can be shown and written here. */
  filename: string;
  file: AsyncIterable<Uint8Array>;
}

/**
 * Reads a multipart body up to its file, which is then read as it arrives and never held. Options are fields of
 * their own, or one field `options` of JSON, and come before the file.
 *
 * @throws SluiceError USAGE, BODY_TOO_LARGE
 */
export async function readUpload<Schema extends z.ZodObject>(
  request: FastifyRequest,
  maxBytes: number,
  schema: Schema,
): Promise<Upload<z.output<Schema>>> {
  const fields: Record<string, unknown> = {};
  const limits = { files: 1, fields: 50, fieldSize: 1024 * 1024, fileSize: maxBytes };
  const parts = request.parts({ limits });
  for (;;) {
    const next = await parts.next();
    if (next.done === true) break;
    const part = next.value;
    if (part.type === 'field') {
      if (part.fieldname === 'options') Object.assign(fields, parseJson(part.value));
      else fields[part.fieldname] = valueOf(schema, part.fieldname, part.value);
      continue;
    }
    const options = parse(schema, fields) as z.output<Schema>;
    return {
      options: { format: formatOf(part.filename), ...options },
      filename: plainName(part.filename),
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

function plainName(name: string): string {
  const plain = name.replace(/[^\p{L}\p{N}._ -]+/gu, '_').slice(-100);
  return plain.replace(/^\.+/, '') || 'upload';
}

/** Fields are text; what is no text among the options is read as JSON. */
function valueOf({ shape }: z.ZodObject, name: string, value: unknown): unknown {
  const schema = (shape as Record<string, z.ZodType | undefined>)[name];
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
