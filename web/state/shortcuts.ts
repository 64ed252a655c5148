import { useEffect, useRef } from 'preact/hooks';
import { createStore } from './store.ts';

/** A key, or two one after the other (`g b`), and what it does. */
export interface Shortcut {
  keys: string;
  label: string;
  run: () => void;
}

interface Group {
  title: string;
  shortcuts: readonly Shortcut[];
}

/** What is listed under `?`, in the order it was put there. */
export const shortcutGroups = createStore<readonly Group[]>([]);

/** How long the second key of a pair may take. */
const pairMs = 1_200;
let first: { key: string; at: number } | null = null;

/** Makes the shortcuts work, and lists them, for as long as the component is there. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  latest.current = shortcuts;
  const listed = shortcuts.map(({ keys, label }) => `${keys} ${label}`).join('\n');
  useEffect(() => {
    const group: Group = {
      title,
      shortcuts: latest.current.map(({ keys, label }) => ({ keys, label, run: () => runLatest(latest.current, keys) })),
    };
    shortcutGroups.set([...shortcutGroups.get(), group]);
    return () => {
      shortcutGroups.set(shortcutGroups.get().filter((other) => other !== group));
    };
  }, [title, listed]);
}

function runLatest(shortcuts: readonly Shortcut[], keys: string): void {
  shortcuts.find((shortcut) => shortcut.keys === keys)?.run();
}

export function startShortcuts(): void {
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
    // What is behind an open dialog is out of reach.
    const dialog = document.querySelector('dialog[open]') !== null;
    const groups = shortcutGroups.get().filter(({ title }) => !dialog || title === dialogShortcuts);
    const pair = first !== null && event.timeStamp - first.at < pairMs ? `${first.key} ${event.key}` : null;
    first = null;
    const all = groups.toReversed().flatMap(({ shortcuts }) => shortcuts);
    const found = all.find(({ keys }) => keys === pair) ?? all.find(({ keys }) => keys === event.key);
    if (found !== undefined) {
      event.preventDefault();
      found.run();
    } else if (all.some(({ keys }) => keys.startsWith(`${event.key} `))) {
      first = { key: event.key, at: event.timeStamp };
    }
  });
}

/** Title of the shortcuts that work inside a dialog. */
export const dialogShortcuts = 'Picture';

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}
