import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import type { Store } from '../storage/store.ts';

const maxBytes = 20 * 1024 * 1024;
const types: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/**
 * Reads an item's source image, from an http(s) URL or an absolute path. Throws INVALID_INPUT when it
 * is missing, too large (20 MiB, what Gemini takes inline) or no image.
 */
export async function readSourceImage(
  source: string,
  signal: AbortSignal,
): Promise<{ mimeType: string; data: Uint8Array }> {
  return /^https?:\/\//i.test(source) ? fetchImage(source, signal) : readImage(source);
}

/** {@link readStoredImage} where the store has it, else {@link readSourceImage}. */
export async function readSource(
  store: Store,
  source: string,
  signal: AbortSignal,
): Promise<{ mimeType: string; data: Uint8Array }> {
  return (await readStoredImage(store, source)) ?? (await readSourceImage(source, signal));
}

/** Reads an image that an earlier step made; null when the store has none of that name. */
export async function readStoredImage(
  store: Store,
  path: string,
): Promise<{ mimeType: string; data: Uint8Array } | null> {
  if (!/^images\/[^\0]+$/.test(path) || path.split('/').includes('..')) return null;
  const data = await store.get(path);
  return data === null ? null : checked({ mimeType: types[extname(path).toLowerCase()] ?? '', data });
}

async function fetchImage(url: string, signal: AbortSignal): Promise<{ mimeType: string; data: Uint8Array }> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(60_000)]) }).catch(
    (cause: unknown) => {
      signal.throwIfAborted();
      throw new SluiceError('UNAVAILABLE', 'from_image: the URL cannot be reached.', { cause });
    },
  );
  if (!response.ok) {
    const code = response.status >= 500 || response.status === 429 ? 'UNAVAILABLE' : 'INVALID_INPUT';
    throw new SluiceError(code, `from_image: the URL answered ${String(response.status)}.`);
  }
  const mimeType = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? '';
  return checked({ mimeType, data: new Uint8Array(await response.arrayBuffer()) });
}

async function readImage(path: string): Promise<{ mimeType: string; data: Uint8Array }> {
  const data = await readFile(path).catch((cause: unknown) => {
    throw new SluiceError('INVALID_INPUT', 'from_image: the file cannot be read.', { cause });
  });
  return checked({ mimeType: types[extname(path).toLowerCase()] ?? '', data });
}

function checked(image: { mimeType: string; data: Uint8Array }): { mimeType: string; data: Uint8Array } {
  if (!Object.values(types).includes(image.mimeType)) {
    throw new SluiceError('INVALID_INPUT', 'from_image: must be a PNG, JPEG or WebP image.');
  }
  if (image.data.byteLength > maxBytes) throw new SluiceError('INVALID_INPUT', 'from_image: must be at most 20 MiB.');
  return image;
}
