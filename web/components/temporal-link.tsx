import { useTemporalUrl } from '../state/temporal.ts';
import { Icon } from './icon.tsx';

interface TemporalLinkProps {
  workflowId: string;
  /** Of an item in a list, where the link is an icon alone. */
  of?: string;
}

/** To a workflow in Temporal's Web UI. */
export function TemporalLink({ workflowId, of }: TemporalLinkProps) {
  const url = useTemporalUrl(workflowId);
  if (url === null) return null;
  const look = of === undefined ? {} : { title: 'In Temporal', 'aria-label': `${of} in Temporal` };
  return (
    <a class="outside" href={url} target="_blank" rel="noreferrer" {...look}>
      {of === undefined && 'Temporal'}
      <Icon name="link" />
    </a>
  );
}
