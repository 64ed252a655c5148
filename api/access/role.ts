/** What a token allows, each more than the one before. `public`: no token is asked for. */
export const roles = ['public', 'read', 'run', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Whether somebody of one role may do what another one is needed for. */
export function allows(held: Role, needed: Role): boolean {
  return roles.indexOf(held) >= roles.indexOf(needed);
}

/** Who asks. */
export interface Caller {
  role: Role;
  /** The only project it sees; null: all. */
  project: string | null;
}
