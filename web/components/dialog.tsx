import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  /** `wide` fills the window, for pictures. */
  size?: 'normal' | 'wide';
}

/**
 * The browser's own modal dialog: it keeps the focus inside, closes with Escape, and gives the focus back to
 * what opened it.
 */
export function Dialog({ title, onClose, children, size = 'normal' }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    element.current?.showModal();
  }, []);
  const closeOnVeil = (event: MouseEvent): void => {
    if (event.target === element.current) onClose();
  };
  return (
    <dialog
      ref={element}
      class={`dialog dialog-${size}`}
      aria-labelledby={titleId}
      onClose={onClose}
      onMouseDown={closeOnVeil}
    >
      <div class="dialog-box">
        <div class="dialog-head">
          <h2 id={titleId} class="ellipsis">
            {title}
          </h2>
          <button type="button" class="button button-quiet button-icon" aria-label="Close" onClick={onClose}>
            <Icon name="cross" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
