import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A secret as the Standard Webhooks scheme writes it. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** The secret that events of this home are signed with where no other is given; made when it is first asked for. */
export function webhookSecret(home: string): string {
  const path = join(home, 'webhook.secret');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, newWebhookSecret(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    // Somebody has made it before.
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFileSync(path, 'utf8').trim();
}
