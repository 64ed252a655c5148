import { useState } from 'preact/hooks';
import { formatCount } from '../../domain/format.ts';
import { batchApi } from '../api/paths.ts';
import type { BatchDetail } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { Confirm } from '../components/confirm.tsx';
import { Icon } from '../components/icon.tsx';
import { isOpen } from '../state/batch-state.ts';
import { useMay } from '../state/session.ts';
import { useShortcuts } from '../state/shortcuts.ts';
import { attempt } from '../state/toasts.ts';
import { LimitsDialog } from './limits-dialog.tsx';

/** Runs failed items again: all, or those that failed in one way. */
export function redrive(batchId: string, selector: { codes?: string[]; item_ids?: string[] } = {}): Promise<boolean> {
  return attempt('The items run again.', () => send('POST', batchApi(batchId, '/redrive'), selector));
}

/** What can be done with a batch in the state it is in. */
export function BatchActions({ detail }: { detail: BatchDetail }) {
  const [dialog, setDialog] = useState<'limits' | 'cancel' | null>(null);
  const { batch_id: batchId, status, failed } = detail;
  const may = useMay('run');
  const open = may && isOpen(detail);
  const paused = status === 'paused';
  const pause = () =>
    attempt('The batch pauses; items under way finish.', () => send('POST', batchApi(batchId, '/pause')));
  const resume = () => attempt('The batch goes on.', () => send('POST', batchApi(batchId, '/resume')));
  const close = (): void => setDialog(null);
  useShortcuts(
    'Batch',
    open
      ? [
          paused
            ? { keys: 'p', label: 'Resume', run: () => void resume() }
            : { keys: 'p', label: 'Pause', run: () => void pause() },
          { keys: 'l', label: 'Limits', run: () => setDialog('limits') },
        ]
      : [],
  );
  return (
    <>
      {open && (
        <button
          type="button"
          class={paused ? 'button button-primary' : 'button'}
          onClick={() => void (paused ? resume() : pause())}
        >
          <Icon name={paused ? 'play' : 'pause'} />
          {paused ? 'Resume' : 'Pause'}
        </button>
      )}
      {open && (
        <button type="button" class="button" onClick={() => setDialog('limits')}>
          <Icon name="sliders" />
          Limits
        </button>
      )}
      {may && failed > 0 && (
        <button type="button" class="button" onClick={() => void redrive(batchId)}>
          <Icon name="redrive" />
          Redrive {formatCount(failed)} failed
        </button>
      )}
      {open && (
        <button type="button" class="button button-danger" onClick={() => setDialog('cancel')}>
          <Icon name="stop" />
          Cancel
        </button>
      )}
      {dialog === 'limits' && <LimitsDialog detail={detail} onClose={close} />}
      {dialog === 'cancel' && (
        <Confirm
          title="Cancel this batch?"
          text="No more items are started. Calls under way are paid for, so they finish. What was made stays, and what is missing can be run later."
          deed="Cancel the batch"
          danger
          onConfirm={() => attempt('The batch is being cancelled.', () => send('DELETE', batchApi(batchId)))}
          onClose={close}
        />
      )}
    </>
  );
}
