import { batchApi } from '../api/paths.ts';
import type { BatchDetail, Limits } from '../api/replies.ts';
import { send } from '../api/request.ts';
import { Dialog } from '../components/dialog.tsx';
import { NumberField } from '../components/number-field.tsx';
import { attempt } from '../state/toasts.ts';

/** Changes how fast and how dear a batch may be while it runs. */
export function LimitsDialog({ detail, onClose }: { detail: BatchDetail; onClose: () => void }) {
  const { limits, batch_id: batchId } = detail;
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const number = (name: string): number | null => {
      const value = form.get(name);
      return typeof value === 'string' && value !== '' ? Number(value) : null;
    };
    const change: Limits = {
      concurrency: number('concurrency') ?? limits.concurrency,
      rate_limit: number('rate'),
      budget_usd: number('budget'),
      tolerated_failures: number('tolerated_count'),
      tolerated_failure_percent: number('tolerated_percent'),
    };
    if (await attempt('The limits are changed.', () => send('PATCH', batchApi(batchId, '/limits'), change))) onClose();
  };
  return (
    <Dialog title="Limits" onClose={onClose}>
      <form class="stack" onSubmit={(event) => void save(event)}>
        <p class="muted">They hold from the next item on. An empty field means no limit of the batch’s own.</p>
        <div class="fields">
          <NumberField name="concurrency" label="Items at once" min={1} max={50} required value={limits.concurrency} />
          <NumberField name="rate" label="Requests a minute" min={1} max={300} value={limits.rate_limit} />
          <NumberField name="budget" label="Budget, USD" min={0} step="any" value={limits.budget_usd} />
          <NumberField name="tolerated_count" label="Failures tolerated" min={0} value={limits.tolerated_failures} />
          <NumberField
            name="tolerated_percent"
            label="Failures tolerated, %"
            min={0}
            max={100}
            step="any"
            value={limits.tolerated_failure_percent}
          />
        </div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Back
          </button>
          <button type="submit" class="button button-primary">
            Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
