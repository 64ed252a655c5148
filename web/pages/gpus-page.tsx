import { formatCount } from '../../domain/format.ts';
import type { GpuEntry, ModelEntry, Listing } from '../api/replies.ts';
import { PageHead } from '../components/page-head.tsx';
import { Empty, Failure, Loading } from '../components/state-notes.tsx';
import { useResource } from '../state/use-resource.ts';

/** Where work goes: ComfyUI servers, and models with their limits. */
export function GpusPage() {
  const gpus = useResource<Listing<GpuEntry>>('/api/gpus', { everyMs: 5_000 });
  const models = useResource<Listing<ModelEntry>>('/api/models');
  return (
    <>
      <PageHead title="GPUs and queues" lead={<p>Where work goes, and how much of it at once.</p>} />
      <div class="stack">
        {gpus.error !== null && <Failure error={gpus.error} />}
        <h2>ComfyUI servers</h2>
        {gpus.data === null && gpus.error === null && <Loading lines={1} />}
        {gpus.data?.data.length === 0 && (
          <Empty icon="gpus" title="No GPUs are configured">
            <p>
              Name ComfyUI servers under <code>gpus:</code> in the configuration.
            </p>
          </Empty>
        )}
        <ul class="gpus">
          {gpus.data?.data.map((gpu) => (
            <li key={gpu.name} class="card">
              <div class="card-head">
                <h3>{gpu.name}</h3>
                <span class={gpu.alive ? 'badge badge-good' : 'badge badge-bad'}>
                  {gpu.alive ? 'Answers' : 'Does not answer'}
                </span>
              </div>
              <p class="wrap">{gpu.detail}</p>
              <QueueDepth gpu={gpu} />
              <p class="muted small wrap">{gpu.url}</p>
              <p class="row classes">
                {gpu.classes.map((name) => (
                  <span key={name} class="badge badge-plain">
                    {name}
                  </span>
                ))}
              </p>
            </li>
          ))}
        </ul>
        <ModelsTable models={models.data?.data ?? []} />
        {models.error !== null && <Failure error={models.error} />}
      </div>
    </>
  );
}

/** What a server has to do: one prompt at a time, the others wait for it. */
function QueueDepth({ gpu: { running, waiting } }: { gpu: GpuEntry }) {
  if (running === null || waiting === null) return null;
  return (
    <dl class="queue figure">
      <div>
        <dt>Running</dt>
        <dd>{formatCount(running)}</dd>
      </div>
      <div>
        <dt>Waiting</dt>
        <dd>{formatCount(waiting)}</dd>
      </div>
    </dl>
  );
}

function ModelsTable({ models }: { models: readonly ModelEntry[] }) {
  if (models.length === 0) return null;
  const limit = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : formatCount(value);
  return (
    <section class="card">
      <h2>Models and their limits</h2>
      <div class="table-box" tabIndex={0} role="region" aria-label="Models and their limits">
        <table>
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Provider</th>
              <th scope="col">Makes</th>
              <th scope="col" class="number">
                Requests a minute
              </th>
              <th scope="col" class="number">
                Tokens a minute
              </th>
              <th scope="col" class="number">
                At once
              </th>
            </tr>
          </thead>
          <tbody>
            {models.map(({ name, provider, kind, limits }) => (
              <tr key={name}>
                <td>{name}</td>
                <td>{provider}</td>
                <td>{kind}</td>
                <td class="number">{limit(limits['requests_per_minute'])}</td>
                <td class="number">{limit(limits['tokens_per_minute'])}</td>
                <td class="number">{limit(limits['concurrency'])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
