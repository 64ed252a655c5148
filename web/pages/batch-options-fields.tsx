import { useId } from 'preact/hooks';
import type { FlowEntry, ModelEntry, Listing } from '../api/replies.ts';
import { NumberField } from '../components/number-field.tsx';
import { priorities } from '../../domain/priority.ts';
import { useResource } from '../state/use-resource.ts';

/** How a batch is to be run; what is left empty is as configured. */
export function BatchOptionsFields() {
  const flows = useResource<Listing<FlowEntry>>('/api/flows');
  const models = useResource<Listing<ModelEntry>>('/api/models');
  const id = useId();
  return (
    <section class="card stack">
      <h2>Options</h2>
      <div class="fields">
        <div class="field">
          <label htmlFor={`${id}-flow`}>Flow</label>
          <select id={`${id}-flow`} class="input" name="flow" data-plan>
            {(flows.data?.data ?? [{ name: 'image' }]).map(({ name }) => (
              <option key={name} value={name} selected={name === 'image'}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label htmlFor={`${id}-model`}>Model</label>
          <select id={`${id}-model`} class="input" name="model" data-plan>
            <option value="">As each row says</option>
            {(models.data?.data ?? []).map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </div>
        <div class="field">
          <label htmlFor={`${id}-project`}>Project</label>
          <input id={`${id}-project`} class="input" name="project" maxLength={100} placeholder="default" />
        </div>
        <div class="field">
          <label htmlFor={`${id}-priority`}>Priority</label>
          <select id={`${id}-priority`} class="input" name="priority">
            {priorities.map((priority) => (
              <option key={priority} value={priority} selected={priority === 'normal'}>
                {priority}
              </option>
            ))}
          </select>
        </div>
        <NumberField name="concurrency" label="Items at once" min={1} max={50} placeholder="10" />
        <NumberField name="rate_limit" label="Requests a minute" min={1} max={300} placeholder="60" />
        <NumberField name="budget_usd" label="Budget, USD" min={0} step="any" placeholder="none" />
        <NumberField name="tolerated_failures" label="Failures tolerated" min={0} placeholder="any" />
      </div>
      <p class="hint">The batch pauses, and loses nothing, when its budget is used up or too much fails.</p>
    </section>
  );
}
