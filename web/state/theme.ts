import { createStore } from './store.ts';

export type Theme = 'system' | 'light' | 'dark';

const key = 'sluice.theme';

/** What the person chose; `system` follows the operating system. */
export const theme = createStore<Theme>(stored());

function stored(): Theme {
  const value = localStorage.getItem(key);
  return value === 'light' || value === 'dark' ? value : 'system';
}

/** Keeps the document and this browser's memory at what was chosen. */
export function startTheme(): void {
  const apply = (): void => {
    const chosen = theme.get();
    if (chosen === 'system') {
      delete document.documentElement.dataset['theme'];
      localStorage.removeItem(key);
    } else {
      document.documentElement.dataset['theme'] = chosen;
      localStorage.setItem(key, chosen);
    }
  };
  apply();
  theme.subscribe(apply);
}

/** Light after dark and dark after light, whatever the system says. */
export function toggleTheme(): void {
  const chosen = theme.get();
  const dark = chosen === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : chosen === 'dark';
  theme.set(dark ? 'light' : 'dark');
}
