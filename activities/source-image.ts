import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import type { HostRules } from '../domain/host-rules.ts';
import type { StagedItem } from '../domain/item.ts';
import { sendGuarded } from '../providers/http/guarded-request.ts';
import type { Store } from '../storage/store.ts';

export interface SourceImageDeps {
  /** Hosts that source images may be fetched from. */
  http: HostRules;
}

/** Of an attempt, what tells whose word the address is. */
interface SourceAttempt {
  item: Pick<StagedItem, 'fromImage' | 'localSource'>;
  signal: AbortSignal;
}

interface SourceImage {
  mimeType: string;
  data: Uint8Array;
}

const maxBytes = 20 * 1024 * 1024;
const types: Readonly<Record<string, string>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/**
 * Reads the source image of an attempt's item, from an http(s) URL or an absolute path. Throws INVALID_INPUT when it
 * is missing, too large (20 MiB, what Gemini takes inline) or no image; HOST_NOT_ALLOWED when it may not be fetched.
 */
export async function readSourceImage(
  { http }: SourceImageDeps,
  { item, signal }: SourceAttempt,
  source: string,
): Promise<SourceImage> {
  if (!/^https?:\/\//i.test(source)) return readImage(source);
  return fetchImage(source, rulesFor(item, source, http), signal);
}

/** {@link readStoredImage} where the store has it, else {@link readSourceImage}. */
export async function readSource(
  deps: SourceImageDeps,
  attempt: SourceAttempt & { store: Store },
  source: string,
): Promise<SourceImage> {
  return (await readStoredImage(attempt.store, source)) ?? (await readSourceImage(deps, attempt, source));
}

/** Reads an image that an earlier step made; null when the store has none of that name. */
export async function readStoredImage(store: Store, path: string): Promise<SourceImage | null> {
  if (!/^images\/[^\0]+$/.test(path) || path.split('/').includes('..')) return null;
  const data = await store.get(path);
  return data === null ? null : checked({ mimeType: types[extname(path).toLowerCase()] ?? '', data });
}

/** Whoever may name files of this machine may also name that very place in its network, and where it leads outside. */
function rulesFor(item: SourceAttempt['item'], source: string, http: HostRules): HostRules {
  const isOwn = item.localSource === true && item.fromImage === source && URL.canParse(source);
  return isOwn ? { allow: [new URL(source).host, '*', ...http.allow] } : http;
}

async function fetchImage(url: string, rules: HostRules, signal: AbortSignal): Promise<SourceImage> {
  const { status, headers, body } = await sendGuarded({
    method: 'GET',
    url,
    headers: { accept: 'image/*' },
    secretHeaders: [],
    rules,
    timeoutMs: 60_000,
    maxBytes,
    signal,
  }).catch((error: unknown) => {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError(error.code, `from_image: ${error.message}`, { cause: error });
  });
  if (status < 200 || status > 299) {
    const code = status >= 500 || status === 429 ? 'UNAVAILABLE' : 'INVALID_INPUT';
    throw new SluiceError(code, `from_image: the URL answered ${String(status)}.`);
  }
  return checked({ mimeType: headers['content-type']?.split(';')[0]?.trim() ?? '', data: body });
}

async function readImage(path: string): Promise<SourceImage> {
  const data = await readFile(path).catch((cause: unknown) => {
    throw new SluiceError('INVALID_INPUT', 'from_image: the file cannot be read.', { cause });
  });
  return checked({ mimeType: types[extname(path).toLowerCase()] ?? '', data });
}

function checked(image: SourceImage): SourceImage {
  if (!Object.values(types).includes(image.mimeType)) {
    throw new SluiceError('INVALID_INPUT', 'from_image: must be a PNG, JPEG or WebP image.');
  }
  if (image.data.byteLength > maxBytes) throw new SluiceError('INVALID_INPUT', 'from_image: must be at most 20 MiB.');
  return image;
}
