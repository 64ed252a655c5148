import type { ComponentChildren } from 'preact';
import { describe } from '../state/toasts.ts';
import { Icon, type IconName } from './icon.tsx';

/** Stands where there is nothing yet, and says how something comes here. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={icon} />
      </span>
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What went wrong, in place of what was asked for. */
export function Failure({ error }: { error: unknown }) {
  return (
    <div class="banner banner-bad" role="alert">
      <Icon name="warning" />
      <p>{describe(error)}</p>
    </div>
  );
}

/** Grey lines in place of what is being loaded. */
export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <div class="stack" role="status">
      <span class="visually-hidden">Loading</span>
      {Array.from({ length: lines }, (_, line) => (
        <span key={line} class="ghost" />
      ))}
    </div>
  );
}
