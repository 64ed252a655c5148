import { useEffect, useState } from 'preact/hooks';
import { batchApi } from '../api/paths.ts';
import { getJson } from '../api/request.ts';

interface ItemPage {
  data: { item_id: string }[];
  next: string | null;
}

/** How long the typing has to rest before the service is asked, milliseconds. */
const restMs = 250;
const pageSize = 1_000;

/**
 * Ids of the items whose prompt or columns hold a text. A page has the results of a batch and not what they were
 * made from, so the service looks. Null while nothing is searched, or it still looks.
 */
export function usePromptSearch(batchId: string, text: string): ReadonlySet<string> | null {
  const [found, setFound] = useState<{ text: string; ids: ReadonlySet<string> } | null>(null);
  const wanted = text.trim();
  useEffect(() => {
    if (wanted === '') return;
    const left = new AbortController();
    const timer = setTimeout(() => {
      search(batchId, wanted, left.signal)
        .then((ids) => setFound({ text: wanted, ids }))
        // What the page itself has is still searched.
        .catch(() => undefined);
    }, restMs);
    return () => {
      clearTimeout(timer);
      left.abort();
    };
  }, [batchId, wanted]);
  return found?.text === wanted ? found.ids : null;
}

async function search(batchId: string, text: string, signal: AbortSignal): Promise<Set<string>> {
  const ids = new Set<string>();
  const path = batchApi(batchId, `/items?limit=${String(pageSize)}&q=${encodeURIComponent(text)}`);
  for (let cursor = ''; ;) {
    const { data, next } = await getJson<ItemPage>(`${path}${cursor}`, signal);
    for (const { item_id: itemId } of data) ids.add(itemId);
    if (next === null) return ids;
    cursor = `&cursor=${next}`;
  }
}
