import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

/**
 * Gives an answer of JSON a tag, so that who has it already is told so instead of sent it again. What changes
 * with every look, such as a batch that runs, changes its tag too.
 *
 * @returns what is sent
 */
export function tagAnswer(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
  const isRead = request.method === 'GET' && reply.statusCode === 200;
  if (!isRead || typeof payload !== 'string' || reply.hasHeader('etag')) return payload;
  const etag = `W/"${createHash('sha256').update(payload).digest('base64url').slice(0, 27)}"`;
  void reply.headers({ etag, 'cache-control': 'private, no-cache' });
  if (!isSame(request.headers['if-none-match'], etag)) return payload;
  void reply.status(304).removeHeader('content-length');
  return '';
}

/** Whether one of the tags of a request is this one. @see https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match */
export function isSame(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const bare = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.trim() === '*' || header.split(',').some((tag) => bare(tag) === bare(etag));
}
