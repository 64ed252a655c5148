import { allows, type TokenRole } from '../../domain/role.ts';
import { changes } from '../api/changes.ts';
import { getJson, request, send } from '../api/request.ts';
import { createStore, useStore } from './store.ts';

/** Who looks, as the service sees it. */
export interface Session {
  /** Whether the service asks for a token. */
  asks: boolean;
  /** What the token at hand allows; null: none, or not known. */
  role: TokenRole | null;
  /** The only project it sees; null: all. */
  project: string | null;
}

interface Known {
  /** Null until the service has said. */
  session: Session | null;
  error: unknown;
}

export const session = createStore<Known>({ session: null, error: null });

/** How soon a service that does not answer is asked again, milliseconds. */
const againMs = 2_000;
const path = '/api/session';

/** Asks who looks until the service says so, and again when a token is no good any more. */
export function startSession(): void {
  changes.addEventListener('unauthenticated', () => {
    // Nothing of what was seen is to stay in memory.
    if (roleOf(session.get()) !== null) location.reload();
  });
  void ask();
}

async function ask(): Promise<void> {
  try {
    session.set({ session: await getJson<Session>(path), error: null });
  } catch (error) {
    session.set({ session: null, error });
    setTimeout(() => void ask(), againMs);
  }
}

/** @throws ApiError for a token that is not known */
export async function signIn(token: string): Promise<void> {
  session.set({ session: await send<Session>('POST', path, { token }), error: null });
}

/** Forgets the token, and with the page all that it has shown. */
export async function signOut(): Promise<void> {
  await request(path, { method: 'DELETE' });
  location.assign('/');
}

/** Whether whoever looks may do what a role is needed for. */
export function useMay(role: TokenRole): boolean {
  const held = roleOf(useStore(session));
  return held !== null && allows(held, role);
}

function roleOf({ session: known }: Known): TokenRole | null {
  return known?.role ?? null;
}
