import { useLayoutEffect, useRef } from 'preact/hooks';
import { dismiss, toasts } from '../state/toasts.ts';
import { useStore } from '../state/store.ts';
import { Icon } from './icon.tsx';

/** News of what a person did, in a corner; read out by screen readers. */
export function Toaster() {
  const shown = useStore(toasts);
  const element = useRef<HTMLDivElement>(null);
  // Whatever is opened last lies on top: a dialog that is open must not cover what went wrong in it.
  useLayoutEffect(() => {
    element.current?.hidePopover();
    element.current?.showPopover();
  }, [shown]);
  return (
    <div ref={element} class="toaster" popover="manual" role="status" aria-live="polite">
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
