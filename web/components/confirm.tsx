import { useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';

interface ConfirmProps {
  title: string;
  text: string;
  /** What the button says: the deed, not `OK`. */
  deed: string;
  danger?: boolean;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, text, deed, danger = false, onConfirm, onClose }: ConfirmProps) {
  const [busy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    await onConfirm();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <p class="muted">{text}</p>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onClose}>
          Back
        </button>
        <button
          type="button"
          class={`button ${danger ? 'button-danger' : 'button-primary'}`}
          disabled={busy}
          onClick={() => void confirm()}
        >
          {deed}
        </button>
      </div>
    </Dialog>
  );
}
