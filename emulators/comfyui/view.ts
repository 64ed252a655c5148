import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isFileType, type FileFolders } from './files.ts';
import { empty, json, plain, type Reply } from './http.ts';
import { parseMultipart } from './multipart.ts';

/** `GET|HEAD /view`: a file, with ETag and ranges. */
export function viewFile(files: FileFolders, query: URLSearchParams, headers: IncomingHttpHeaders): Reply {
  const filename = query.get('filename') ?? '';
  const type = query.get('type') ?? 'output';
  if (filename === '') return { ...empty, status: 404 };
  if (filename.startsWith('/') || filename.includes('..') || !isFileType(type)) return { ...empty, status: 400 };
  const bytes = files.read({ filename, subfolder: query.get('subfolder') ?? '', type });
  if (bytes === 'outside') return { ...empty, status: 403 };
  if (bytes === 'missing') return plain(404, '404: Not Found');
  const common = {
    'content-type': filename.endsWith('.png') ? 'image/png' : 'application/octet-stream',
    'content-disposition': `filename="${filename}"`,
    etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`,
    'accept-ranges': 'bytes',
  };
  if (headers['if-none-match'] === common.etag) return { status: 304, body: Buffer.alloc(0), headers: common };
  const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '');
  if (range === null) return { status: 200, body: bytes, headers: common };
  const from = Number(range[1]);
  const to = Math.min(range[2] ? Number(range[2]) : Infinity, bytes.byteLength - 1);
  if (from > to) return { ...empty, status: 416, headers: { 'content-range': `bytes */${bytes.byteLength}` } };
  return {
    status: 206,
    body: bytes.subarray(from, to + 1),
    headers: { ...common, 'content-range': `bytes ${from}-${to}/${bytes.byteLength}` },
  };
}

/** `POST /upload/image`: multipart. */
export function uploadImage(files: FileFolders, body: Buffer, contentType: string): Reply {
  const parts = parseMultipart(body, contentType) ?? [];
  const field = (name: string) => parts.find((part) => part.name === name)?.data.toString('utf8') ?? '';
  const image = parts.find((part) => part.name === 'image');
  const type = field('type') || 'input';
  if (!image?.filename || !isFileType(type)) return { ...empty, status: 400 };
  const overwrite = ['true', '1'].includes(field('overwrite'));
  const saved = files.upload(type, field('subfolder'), image.filename, image.data, overwrite);
  return saved === null
    ? { ...empty, status: 400 }
    : json({ name: saved.filename, subfolder: saved.subfolder, type: saved.type });
}
