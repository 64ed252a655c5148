/** What a token allows, each more than the one before. */
export const tokenRoles = ['read', 'run', 'admin'] as const;
export type TokenRole = (typeof tokenRoles)[number];

/** What an endpoint asks for; `public`: nothing. */
export type Role = 'public' | TokenRole;

const order: readonly Role[] = ['public', ...tokenRoles];

/** Whether somebody of one role may do what another one is needed for. */
export function allows(held: Role, needed: Role): boolean {
  return order.indexOf(held) >= order.indexOf(needed);
}

/** Who asks. */
export interface Caller {
  role: Role;
  /** The only project it sees; null: all. */
  project: string | null;
}
