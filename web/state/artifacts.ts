import { batchApi } from '../api/paths.ts';

/** What a file is to be shown as, by its name. */
export type MediaKind = 'image' | 'video' | 'text' | 'other';

const kinds: Record<string, MediaKind> = {
  png: 'image',
  jpg: 'image',
  jpeg: 'image',
  webp: 'image',
  gif: 'image',
  avif: 'image',
  mp4: 'video',
  webm: 'video',
  mov: 'video',
  txt: 'text',
  md: 'text',
  json: 'text',
};

export function mediaKind(path: string): MediaKind {
  return kinds[path.split('.').at(-1)?.toLowerCase() ?? ''] ?? 'other';
}

/** Address of a file of a batch. */
export function artifactUrl(batchId: string, path: string, query: ArtifactQuery = {}): string {
  const search = new URLSearchParams(Object.entries(query)).toString();
  const address = batchApi(batchId, `/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`);
  return search === '' ? address : `${address}?${search}`;
}

interface ArtifactQuery {
  /** A small picture of it, that many pixels wide. */
  width?: string;
  /** Changes when the file does, so that a browser need not ask whether it has. */
  v?: string;
}

/** Where the record of how a file was made is: `images/a.png` → `metadata/a.json`. */
export function sidecarUrl(batchId: string, path: string): string {
  const name = (path.split('/').at(-1) ?? path).replace(/\.[^.]*$/, '');
  return artifactUrl(batchId, `metadata/${name}.json`);
}
