import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../../domain/errors.ts';
import { allows, type Caller } from '../../domain/role.ts';
import { endpointOf } from '../http/endpoint.ts';
import { Authentication } from './authentication.ts';

const nobody: Caller = { role: 'public', project: null };

/** Lets a request to its handler only if whoever sent it has the role the endpoint asks for. */
@Injectable()
export class AccessGuard implements CanActivate {
  readonly #authentication: Authentication;

  constructor(@Inject(Authentication) authentication: Authentication) {
    this.#authentication = authentication;
  }

  /** @throws SluiceError UNAUTHENTICATED, FORBIDDEN */
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest & { caller?: Caller }>();
    const endpoint = endpointOf(context.getHandler());
    if (endpoint === undefined) throw new SluiceError('FORBIDDEN', 'Nobody may use this.');
    if (endpoint.role === 'public') {
      request.caller = nobody;
      return true;
    }
    const caller = this.#authentication.callerOf(request);
    if (caller === null) throw new SluiceError('UNAUTHENTICATED', 'This service asks for a token.');
    if (!allows(caller.role, endpoint.role)) {
      throw new SluiceError('FORBIDDEN', `A token with the role ${endpoint.role} is needed.`);
    }
    if (caller.project !== null && endpoint.allProjects === true) {
      throw new SluiceError('FORBIDDEN', 'A token of one project sees nothing of the others.');
    }
    request.caller = caller;
    return true;
  }
}
