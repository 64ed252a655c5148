import { Gauge, type Registry } from 'prom-client';
import { engineStatus } from '../../client/engine/ensure-engine.ts';
import { modelLoads, type ModelLoad } from '../../client/model-loads.ts';
import type { EngineLink } from '../engine-link.ts';
import type { Feeds } from '../events/feeds.ts';

/** What is looked at. */
export interface Looked {
  home: string;
  engine: EngineLink;
  feeds: Feeds;
}

/** How the engine stands, looked at when somebody asks for metrics. What cannot be told then is left out. */
export function addEngineGauges(registry: Registry, { home, engine, feeds }: Looked): void {
  const gauge = <const Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    values: () => Values<Label> | Promise<Values<Label>>,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset();
        for (const [labels, value] of await values()) this.set(labels, value);
      },
    });
  };
  const processes = async () => (await engineStatus(home).catch(() => null))?.processes ?? [];
  const ofModels = (name: string, help: string, value: (load: ModelLoad) => number | null): void => {
    gauge(name, help, ['provider', 'model', 'mode'], () =>
      modelLoads(home).flatMap((load) => {
        const shown = value(load);
        const [provider = '', model = ''] = load.model.split(/\/(.*)/s);
        return shown === null ? [] : [[{ provider, model, mode: load.mode }, shown] as const];
      }),
    );
  };
  gauge('sluice_engine_up', 'Whether the Temporal server answers', [], async () => [
    [{}, (await engine.answers()) ? 1 : 0],
  ]);
  gauge('sluice_engine_process_up', 'Whether a process of the engine runs', ['process'], async () =>
    (await processes()).map(({ name, state }) => [{ process: name }, state === 'running' ? 1 : 0]),
  );
  gauge('sluice_engine_process_restarts', 'Times a process was started again after it died', ['process'], async () =>
    (await processes()).map(({ name, restarts }) => [{ process: name }, restarts]),
  );
  gauge('sluice_batches', 'Batches that have not closed, by state', ['state'], async () => {
    if (!(await engine.answers())) return [];
    const counts = await (await engine.sluice()).openBatches();
    return Object.entries(counts).map(([state, count]) => [{ state }, count]);
  });
  ofModels('sluice_model_calls_in_flight', 'Calls of a model under way, over all workers', (load) => load.in_flight);
  ofModels(
    'sluice_model_slowed_to',
    'Calls at once a vendor bears now, where fewer than set',
    (load) => load.slowed_to,
  );
  ofModels('sluice_model_resting_seconds', 'Left of a rest a vendor asked for', (load) => load.resting_ms / 1_000);
  gauge('sluice_api_event_listeners', 'Who follows events of batches now', [], () => [[{}, feeds.listeners]]);
}

type Values<Label extends string> = readonly (readonly [Partial<Record<Label, string>>, number])[];
