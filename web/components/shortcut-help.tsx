import { shortcutGroups } from '../state/shortcuts.ts';
import { useStore } from '../state/store.ts';
import { Dialog } from './dialog.tsx';

/** The keys that work on the present page. */
export function ShortcutHelp({ onClose }: { onClose: () => void }) {
  const groups = useStore(shortcutGroups);
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      {groups.map(({ title, shortcuts }) => (
        <section key={title} class="stack-small">
          <h3>{title}</h3>
          <dl class="shortcuts">
            {shortcuts.map(({ keys, label }) => (
              <div key={keys}>
                <dt>
                  {keys.split(' ').map((key) => (
                    <kbd key={key}>{keyNames[key] ?? key}</kbd>
                  ))}
                </dt>
                <dd>{label}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

const keyNames: Record<string, string> = { ArrowLeft: '←', ArrowRight: '→', Escape: 'Esc' };
