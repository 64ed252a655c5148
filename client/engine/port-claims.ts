import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { isAlive, type ProcessIdentity } from './process-identity.ts';

const claimsSchema = z.array(z.object({ pid: z.int(), startId: z.string(), ports: z.array(z.int()) }));
type Claims = z.output<typeof claimsSchema>;

/**
 * Ports that other engines of this user have chosen. While such an engine starts a process anew nobody
 * listens there, and one that took the port then would be given the other's work. The caller holds the
 * lock of all homes.
 */
export function portsOfOthers(file: string, own: ProcessIdentity): number[] {
  return claimsOfOthers(file, own).flatMap(({ ports }) => ports);
}

/** Puts an engine's ports on record for as long as its supervisor lives. */
export function claimPorts(file: string, own: ProcessIdentity, ports: readonly (number | null)[]): void {
  const claims = [...claimsOfOthers(file, own), { ...own, ports: ports.filter((port) => port !== null) }];
  const temporary = `${file}.${String(own.pid)}.tmp`;
  writeFileSync(temporary, JSON.stringify(claims), { mode: 0o600 });
  renameSync(temporary, file);
}

function claimsOfOthers(file: string, own: ProcessIdentity): Claims {
  return readClaims(file).filter((claim) => claim.pid !== own.pid && isAlive(claim));
}

function readClaims(file: string): Claims {
  try {
    return claimsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // None yet, or damaged: then ports in use are still found out by listening.
    return [];
  }
}
