import { useResource } from '../state/use-resource.ts';
import { Icon } from './icon.tsx';

interface EngineReply {
  /** Of Temporal's Web UI; null where there is none. */
  ui_url: string | null;
  namespace: string;
}

/** To a workflow in Temporal's Web UI, where its whole history is. */
export function TemporalLink({ workflowId }: { workflowId: string }) {
  const { data } = useResource<EngineReply>('/api/engine');
  if (typeof data?.ui_url !== 'string') return null;
  const path = `/namespaces/${encodeURIComponent(data.namespace)}/workflows/${encodeURIComponent(workflowId)}`;
  return (
    <a class="outside" href={`${data.ui_url}${path}`} target="_blank" rel="noreferrer">
      Temporal
      <Icon name="link" />
    </a>
  );
}
