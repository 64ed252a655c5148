import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { SluiceError } from '../../domain/errors.ts';
import { EngineLink } from '../engine-link.ts';
import { loggerToken } from '../tokens.ts';
import { asSluiceError, toProblem } from './problem.ts';

/** Answers every request that fails with problem details; only what is a defect is logged with its cause. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #log: Logger;
  readonly #engine: EngineLink;

  constructor(@Inject(loggerToken) log: Logger, @Inject(EngineLink) engine: EngineLink) {
    this.#log = log;
    this.#engine = engine;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const path = pathOf(request.url);
    const known = this.#explain(asSluiceError(error, path));
    const problem = toProblem(known, path);
    if (problem.status >= 500) this.#log.error({ err: error, method: request.method, path }, known.message);
    if (reply.raw.headersSent) {
      reply.raw.destroy();
      return;
    }
    if (problem.status === 503 || problem.status === 429) {
      void reply.header('retry-after', String(Math.ceil((known.retryAfterMs ?? 1_000) / 1_000)));
    }
    if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="sluice"');
    void reply.status(problem.status).header('content-type', 'application/problem+json').send(problem);
  }

  /** An engine whose disk is full answers nothing; then that is what is wrong. */
  #explain(error: SluiceError): SluiceError {
    if (error.code !== 'ENGINE_UNAVAILABLE') return error;
    try {
      this.#engine.assertRoom();
      return error;
    } catch (full) {
      return full instanceof SluiceError ? full : error;
    }
  }
}

/** Without the query, which may hold what is nobody else's business. */
function pathOf(url: string): string {
  return url.replace(/[?#].*$/, '');
}
