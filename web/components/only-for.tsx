import type { ComponentChildren } from 'preact';
import type { TokenRole } from '../../domain/role.ts';
import { useMay } from '../state/session.ts';

interface OnlyForProps {
  /** What the endpoint behind it asks for. */
  role: TokenRole;
  children: ComponentChildren;
  /** Stands in its place for the others. @default nothing */
  otherwise?: ComponentChildren;
}

/** What changes something, shown only to those who may: the service would refuse it from the others. */
export function OnlyFor({ role, children, otherwise = null }: OnlyForProps) {
  return <>{useMay(role) ? children : otherwise}</>;
}
