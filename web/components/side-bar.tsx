import logoUrl from '../icon.svg';
import { useStore } from '../state/store.ts';
import { theme, toggleTheme } from '../state/theme.ts';
import { Icon, type IconName } from './icon.tsx';

const entries: readonly { path: string; label: string; icon: IconName }[] = [
  { path: '/', label: 'Batches', icon: 'batches' },
  { path: '/gpus', label: 'GPUs', icon: 'gpus' },
];

/** Where one can go; on a phone a bar at the bottom, where thumbs are. */
export function SideBar({ path, onHelp }: { path: string; onHelp: () => void }) {
  useStore(theme);
  const isCurrent = (entry: string): boolean => path === entry || (entry === '/' && /^\/(batches|new)/.test(path));
  return (
    <header class="side">
      <a class="brand" href="/">
        <img src={logoUrl} alt="" width="28" height="28" />
        Sluice
      </a>
      <nav class="nav" aria-label="Main">
        {entries.map((entry) => (
          <a key={entry.path} href={entry.path} aria-current={isCurrent(entry.path) ? 'page' : undefined}>
            <Icon name={entry.icon} />
            {entry.label}
          </a>
        ))}
      </nav>
      <div class="side-foot">
        <button type="button" class="button button-quiet foot-button" onClick={toggleTheme}>
          <Icon name="moon" />
          <span>Light or dark</span>
        </button>
        <button type="button" class="button button-quiet foot-button" onClick={onHelp}>
          <Icon name="keyboard" />
          <span>Shortcuts</span>
        </button>
      </div>
    </header>
  );
}
