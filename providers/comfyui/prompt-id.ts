import { createHash } from 'node:crypto';

/**
 * The id of an item's prompt: a lowercase UUID (version 5 in form) that follows from its arguments, so that
 * a worker that was killed finds the prompt it had submitted.
 *
 * @param attempt tells the item's prompts apart: another graph, or the same one sent again.
 */
export function promptIdOf(batchId: string, itemId: string, attempt: number | string): string {
  const hex = createHash('sha256')
    .update(JSON.stringify(['sluice-prompt', batchId, itemId, `${attempt}`]))
    .digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
