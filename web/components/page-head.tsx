import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface PageHeadProps {
  title: string;
  /** Of the browser's tab. @default the title */
  tab?: string;
  lead?: ComponentChildren;
  children?: ComponentChildren;
}

/** Title of a page, what it is about, and what can be done on it. */
export function PageHead({ title, tab = title, lead, children }: PageHeadProps) {
  useEffect(() => {
    document.title = `${tab} · Sluice`;
  }, [tab]);
  return (
    <header class="page-head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {lead !== undefined && <div class="lead">{lead}</div>}
      </div>
      {children !== undefined && <div class="actions">{children}</div>}
    </header>
  );
}
