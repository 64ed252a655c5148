import logoUrl from '../icon.svg';
import type { TokenRole } from '../../domain/role.ts';
import type { InboxEntry, Listing } from '../api/replies.ts';
import { session, signOut } from '../state/session.ts';
import { useStore } from '../state/store.ts';
import { theme, toggleTheme } from '../state/theme.ts';
import { attempt } from '../state/toasts.ts';
import { useResource } from '../state/use-resource.ts';
import { Icon, type IconName } from './icon.tsx';

const entries: readonly { path: string; label: string; icon: IconName }[] = [
  { path: '/', label: 'Batches', icon: 'batches' },
  { path: '/inbox', label: 'Inbox', icon: 'inbox' },
  { path: '/costs', label: 'Costs', icon: 'costs' },
  { path: '/gpus', label: 'GPUs', icon: 'gpus' },
  { path: '/schedules', label: 'Schedules', icon: 'schedules' },
];

/** What a token allows, in words. */
const rights: Record<TokenRole, string> = { read: 'only look', run: 'run batches', admin: 'change everything' };

/** Where one can go; on a phone a bar at the bottom, where thumbs are. */
export function SideBar({ path, onHelp }: { path: string; onHelp: () => void }) {
  useStore(theme);
  const { session: who } = useStore(session);
  const inbox = useResource<Listing<InboxEntry>>(who === null ? null : '/api/inbox', { everyMs: 10_000 });
  const waiting = inbox.data?.data.length ?? 0;
  const isCurrent = (entry: string): boolean =>
    entry === '/' ? /^\/(?:$|batches|new)/.test(path) : path === entry || path.startsWith(`${entry}/`);
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
            {entry.path === '/inbox' && waiting > 0 && (
              <span class="count">
                {waiting}
                <span class="visually-hidden"> waiting</span>
              </span>
            )}
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
        {who?.asks === true && (
          <button
            type="button"
            class="button button-quiet foot-button"
            onClick={() => void attempt('You are signed out.', signOut)}
          >
            <Icon name="exit" />
            <span>Sign out</span>
          </button>
        )}
        {who?.asks === true && (
          <p class="muted small side-who">
            This token may {rights[who.role ?? 'read']}
            {who.project !== null && `, in the project ${who.project} alone`}.
          </p>
        )}
      </div>
    </header>
  );
}
