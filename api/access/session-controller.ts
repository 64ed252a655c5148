import { Controller, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { tokenRoles } from '../../domain/role.ts';
import { describe, Endpoint, Input, type Given } from '../http/endpoint.ts';
import { Authentication, sessionCookie } from './authentication.ts';

const tag = 'Session';
const session = z
  .strictObject({
    asks: z.boolean().describe('Whether the service asks for a token'),
    role: z.enum(tokenRoles).nullable().describe('What the token at hand allows; null: none, or not known'),
    project: z.string().nullable().describe('The only project it sees; null: all'),
  })
  .meta({ id: 'Session' });

const show = describe({
  method: 'GET',
  path: 'session',
  role: 'public',
  tag,
  summary: 'Whether a token is asked for, and what the one at hand allows',
  replies: { 200: { description: 'The session.', schema: session } },
});
const begin = describe({
  method: 'POST',
  path: 'session',
  role: 'public',
  tag,
  summary: 'Keep a token in a cookie that scripts cannot read, for pages',
  body: z.strictObject({ token: z.string().min(1).max(500) }).meta({ id: 'NewSession' }),
  replies: { 200: { description: 'The session has begun.', schema: session } },
});
const end = describe({
  method: 'DELETE',
  path: 'session',
  role: 'public',
  tag,
  summary: 'Forget the cookie',
  replies: { 200: { description: 'The session is over.', schema: session } },
});

/** Signs a page in. The cookie goes to this service alone, and never with a request another site caused. */
@Controller('api')
export class SessionController {
  readonly #authentication: Authentication;

  constructor(@Inject(Authentication) authentication: Authentication) {
    this.#authentication = authentication;
  }

  @Endpoint(show)
  show(@Req() request: FastifyRequest): z.output<typeof session> {
    return this.#session(request);
  }

  #session(request: Pick<FastifyRequest, 'headers'>): z.output<typeof session> {
    const asks = this.#authentication.asks;
    try {
      const caller = this.#authentication.callerOf(request);
      const role = caller === null || caller.role === 'public' ? null : caller.role;
      return { asks, role, project: caller?.project ?? null };
    } catch {
      // One that is not known is as good as none.
      return { asks, role: null, project: null };
    }
  }

  @Endpoint(begin)
  begin(
    @Input() { body }: Given<typeof begin>,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): z.output<typeof session> {
    if (this.#authentication.asks) this.#authentication.callerWith(body.token);
    void reply.header('set-cookie', cookie(body.token, request));
    return this.#session({ headers: { authorization: `Bearer ${body.token}` } });
  }

  @Endpoint(end)
  end(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): z.output<typeof session> {
    void reply.header('set-cookie', `${cookie('', request)}; Max-Age=0`);
    return { asks: this.#authentication.asks, role: null, project: null };
  }
}

function cookie(value: string, request: FastifyRequest): string {
  const secure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https';
  return `${sessionCookie}=${value}; Path=/api; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
