import { statSync } from 'node:fs';
import type { FastifyRequest } from 'fastify';
import { isLoopback, type ApiSettings } from '../../client/api-settings.ts';
import { findToken, readTokens, tokensFile, type StoredToken } from '../../client/tokens.ts';
import { SluiceError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/role.ts';

/** Cookie of the dashboard: pictures and event streams of a page cannot send a header. */
export const sessionCookie = 'sluice_session';

/** Tells who sent a request. */
export class Authentication {
  readonly #home: string;
  readonly #open: boolean;
  #tokens: readonly StoredToken[] = [];
  #version = '';

  constructor(home: string, { host }: Pick<ApiSettings, 'host'>) {
    this.#home = home;
    this.#open = isLoopback(host);
  }

  /**
   * Where only this machine reaches the service and there are no tokens, everybody may do everything. The file
   * is looked at each time, so that a token that is revoked is no good from then on.
   *
   * @returns null for somebody who showed no token and needs one
   * @throws SluiceError UNAUTHENTICATED for a token that is not known
   */
  callerOf(request: Pick<FastifyRequest, 'headers'>): Caller | null {
    const tokens = this.#read();
    const shown = shownToken(request);
    if (tokens.length === 0 && this.#open) return { role: 'admin', project: null };
    return shown === null ? null : this.#callerWith(tokens, shown);
  }

  /** @throws SluiceError UNAUTHENTICATED */
  callerWith(token: string): Caller {
    return this.#callerWith(this.#read(), token);
  }

  /** Name of the token that a request shows; null if it shows none that is known. */
  nameOf(request: Pick<FastifyRequest, 'headers'>): string | null {
    const shown = shownToken(request);
    return shown === null ? null : (findToken(this.#read(), shown)?.name ?? null);
  }

  /** Whether a token is asked for. */
  get asks(): boolean {
    return !this.#open || this.#read().length > 0;
  }

  #callerWith(tokens: readonly StoredToken[], shown: string): Caller {
    const found = findToken(tokens, shown);
    if (found === null) throw new SluiceError('UNAUTHENTICATED', 'The token is not known, or was revoked.');
    return { role: found.role, project: found.project };
  }

  #read(): readonly StoredToken[] {
    const stat = statSync(tokensFile(this.#home), { throwIfNoEntry: false });
    const version = stat === undefined ? 'none' : `${String(stat.mtimeMs)} ${String(stat.ino)} ${String(stat.size)}`;
    if (version !== this.#version) {
      this.#tokens = readTokens(this.#home);
      this.#version = version;
    }
    return this.#tokens;
  }
}

/** What a request shows: a header, or the cookie of a page of ours. */
function shownToken({ headers }: Pick<FastifyRequest, 'headers'>): string | null {
  const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  if (bearer !== undefined) return bearer;
  const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim().split('='));
  const session = cookies.find(([name]) => name === sessionCookie)?.[1];
  return session === undefined || session === '' ? null : session;
}
