import { getJson } from '../api/request.ts';
import { createStore, useStore } from './store.ts';

interface EngineReply {
  /** Of Temporal's Web UI; null where there is none. */
  ui_url: string | null;
  namespace: string;
}

const engine = createStore<EngineReply | null>(null);
let asking: Promise<void> | null = null;

/** Address of a workflow in Temporal's Web UI, where its whole history is; null where there is none. */
export function useTemporalUrl(workflowId: string): string | null {
  const known = useStore(engine);
  // It stays the same for as long as the engine runs: asked once, not by every row of a list.
  if (known === null) asking ??= ask();
  if (typeof known?.ui_url !== 'string') return null;
  const path = `/namespaces/${encodeURIComponent(known.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return `${known.ui_url}${path}`;
}

async function ask(): Promise<void> {
  try {
    engine.set(await getJson<EngineReply>('/api/engine'));
  } catch {
    asking = null;
  }
}
