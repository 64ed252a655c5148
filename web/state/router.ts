import { createStore } from './store.ts';

/** Where the dashboard is: a path of its own and what follows the `?`. */
export interface Place {
  path: string;
  query: URLSearchParams;
}

export const place = createStore<Place>(here());

function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) };
}

/** @param replace the entry in the browser's history, for what is no step of its own (filters) */
export function navigate(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  place.set(here());
  if (!replace) window.scrollTo(0, 0);
}

/** Changes the query of the present place; empty values leave it. */
export function setQuery(change: Record<string, string | null>): void {
  const { path, query } = place.get();
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === '') next.delete(name);
    else next.set(name, value);
  }
  const search = next.toString();
  navigate(search === '' ? path : `${path}?${search}`, { replace: true });
}

/**
 * Follows links inside the page, so that every link is a plain `<a href>`: it can be opened in a new tab,
 * copied, and reached by keyboard.
 */
export function startRouter(): void {
  window.addEventListener('popstate', () => {
    place.set(here());
  });
  document.addEventListener('click', (event) => {
    const changed = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;
    if (event.defaultPrevented || event.button !== 0 || changed || !(event.target instanceof Element)) return;
    const link = event.target.closest('a');
    if (link?.origin !== location.origin || link.target !== '' || link.hasAttribute('download')) return;
    if (link.pathname.startsWith('/api/') || link.hash !== '') return;
    event.preventDefault();
    navigate(`${link.pathname}${link.search}`);
  });
}

/** `/batches/:id` against a path: its parameters, or null. */
export function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = path.replace(/(?<=.)\/$/, '').split('/');
  if (wanted.length !== given.length) return null;
  const parameters: Record<string, string> = {};
  for (const [place, part] of wanted.entries()) {
    const value = given[place] ?? '';
    if (part.startsWith(':')) parameters[part.slice(1)] = decode(value);
    else if (part !== value) return null;
  }
  return parameters;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** The page of a batch, or a part of it. */
export function batchPath(batchId: string, part?: 'gallery' | 'failed' | 'compare' | 'report'): string {
  const path = `/batches/${encodeURIComponent(batchId)}`;
  return part === undefined ? path : `${path}/${part}`;
}
