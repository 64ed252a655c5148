import { extname } from 'node:path';

const types: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.json': 'application/json',
  '.jsonl': 'application/jsonl',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.epub': 'application/epub+zip',
};

/** By the name of a file; what is not known is bytes. None of them is a type that browsers run. */
export function contentType(key: string): string {
  return types[extname(key).toLowerCase()] ?? 'application/octet-stream';
}

/** Whether a browser may show a file in a page; everything else it is told to save. */
export function isShown(type: string): boolean {
  return /^(?:image|video)\//.test(type) || type.startsWith('text/plain');
}
