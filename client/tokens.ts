import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { tokenRoles, type TokenRole } from '../domain/role.ts';

const tokenSchema = z.strictObject({
  name: z.string().min(1).max(100),
  role: z.enum(tokenRoles),
  /** The only project it may see and run batches of; null: all. */
  project: z.string().min(1).max(100).nullable().default(null),
  /** SHA-256 (hex) of the token. One of 256 random bits cannot be guessed, so no slow hash is needed. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** ISO 8601, UTC. */
  created_at: z.string(),
});
const fileSchema = z.strictObject({ tokens: z.array(tokenSchema).default([]) });

/** A token as it is stored. */
export type StoredToken = z.output<typeof tokenSchema>;

/** `$SLUICE_HOME/tokens.yaml`: who may use the REST service. */
export function tokensFile(home: string): string {
  return join(home, 'tokens.yaml');
}

/**
 * All tokens of a home.
 * @throws SluiceError CONFIG_INVALID when the file is damaged: then nobody is let in, rather than anybody
 */
export function readTokens(home: string): StoredToken[] {
  const file = tokensFile(home);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new SluiceError('CONFIG_INVALID', `${file} cannot be read.`, { cause: error });
  }
  try {
    return fileSchema.parse(parse(text) ?? {}).tokens;
  } catch (cause) {
    throw new SluiceError('CONFIG_INVALID', `${file} is damaged.`, { cause });
  }
}

export interface CreateTokenInput {
  home: string;
  name: string;
  role: TokenRole;
  project: string | null;
}

/**
 * Makes a token and stores its hash.
 * @returns the token itself, which nothing else tells
 * @throws SluiceError USAGE if the name is taken
 */
export function createToken({ home, name, role, project }: CreateTokenInput): string {
  const present = readTokens(home);
  if (present.some((other) => other.name === name)) {
    throw new SluiceError('USAGE', `There is a token named ${name} already.`, {
      action: 'Choose another name, or revoke that one: sluice token revoke',
    });
  }
  const token = `sluice_${randomBytes(32).toString('base64url')}`;
  const made = { name, role, project, hash: hashOf(token), created_at: new Date().toISOString() };
  write(home, [...present, tokenSchema.parse(made)]);
  return token;
}

/** @returns false if there is no token of that name */
export function revokeToken(home: string, name: string): boolean {
  const present = readTokens(home);
  const left = present.filter((token) => token.name !== name);
  if (left.length === present.length) return false;
  write(home, left);
  return true;
}

/** The stored token that somebody showed; all are compared, each in the same time whatever it is. */
export function findToken(tokens: readonly StoredToken[], shown: string): StoredToken | null {
  const hash = Buffer.from(hashOf(shown), 'hex');
  let found: StoredToken | null = null;
  for (const token of tokens) if (timingSafeEqual(hash, Buffer.from(token.hash, 'hex'))) found = token;
  return found;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** For its owner only, and in one step: the service may read it at any moment. */
function write(home: string, tokens: readonly StoredToken[]): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const file = tokensFile(home);
  const temporary = `${file}.${String(process.pid)}.tmp`;
  writeFileSync(temporary, stringify({ tokens }), { mode: 0o600 });
  renameSync(temporary, file);
}
