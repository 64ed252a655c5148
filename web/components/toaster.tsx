import { dismiss, toasts } from '../state/toasts.ts';
import { useStore } from '../state/store.ts';
import { Icon } from './icon.tsx';

/** News of what a person did, in a corner; read out by screen readers. */
export function Toaster() {
  const shown = useStore(toasts);
  return (
    <div class="toaster" role="status" aria-live="polite">
      {shown.map(({ id, kind, text }) => (
        <div key={id} class={`toast toast-${kind}`}>
          <Icon name={kind === 'good' ? 'check' : 'warning'} />
          <p class="wrap">{text}</p>
          <button
            type="button"
            class="button button-quiet button-icon"
            aria-label="Dismiss"
            onClick={() => dismiss(id)}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
    </div>
  );
}
