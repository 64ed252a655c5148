import type { ResultRow } from '../../domain/result.ts';

export const galleryFilters = [
  { value: 'succeeded', label: 'Made' },
  { value: 'failed', label: 'Failed' },
  { value: 'all', label: 'All' },
] as const;
export type GalleryFilter = (typeof galleryFilters)[number]['value'];

interface Wanted {
  filter: GalleryFilter;
  /** '': any */
  model: string;
  /** Part of an id, a file's name, or an error; '': any */
  text: string;
  /** Items whose prompt has the text; null: that is not known. */
  byPrompt?: ReadonlySet<string> | null;
}

/** The rows that fit, in the order of the input, so that what belongs together stays together. */
export function selectRows(rows: readonly ResultRow[], { filter, model, text, byPrompt }: Wanted): ResultRow[] {
  const wanted = text.trim().toLowerCase();
  return rows
    .filter(
      (row) =>
        (filter === 'all' || row.status === filter) &&
        (model === '' || row.model === model) &&
        (wanted === '' || byPrompt?.has(row.request_id) === true || textOf(row).includes(wanted)),
    )
    .sort((a, b) => a.index - b.index);
}

function textOf(row: ResultRow): string {
  const { request_id: id, output_path: path, error_code: code, error_message: message, seed } = row;
  return [id, path ?? '', code ?? '', message ?? '', String(seed)].join('\n').toLowerCase();
}
