import { createHmac } from 'node:crypto';
import { SluiceError } from '../../domain/errors.ts';

const prefix = 'whsec_';

/**
 * The key of a secret as the Standard Webhooks scheme writes it: `whsec_` and 24 to 64 bytes in base64.
 * @throws SluiceError CONFIG_INVALID, without the secret
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function keyOfSecret(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(prefix) ? secret.slice(prefix.length) : '', 'base64');
  if (key.length >= 24 && key.length <= 64) return key;
  throw new SluiceError('CONFIG_INVALID', 'A webhook secret must be whsec_ and 24 to 64 bytes in base64.', {
    action: 'Make one with: sluice webhook secret --new',
  });
}

/** The headers by which a receiver knows that a body is ours, new and whole. */
export function signedHeaders(key: Buffer, id: string, atMs: number, body: string): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1_000));
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
