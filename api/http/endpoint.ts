import {
  applyDecorators,
  createParamDecorator,
  HttpCode,
  RequestMapping,
  RequestMethod,
  SetMetadata,
  type ExecutionContext,
} from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';
import { Findings } from './problem.ts';
import type { Caller, Role } from '../../domain/role.ts';

/** One answer of an endpoint, by its status. */
export interface Reply {
  description: string;
  /** Of a body of JSON. */
  schema?: z.ZodType;
  /** Content type of a body that is none, e.g. `text/csv`. */
  type?: string;
}

/** All that is said of an endpoint, once: routing, access, validation and documentation follow from it. */
export interface EndpointSpec {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/api`. */
  path: string;
  role: Role;
  /** What it answers with is of all projects, so a token of one project may not ask. */
  allProjects?: boolean;
  tag: string;
  summary: string;
  params?: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Of a body that the endpoint reads itself, besides JSON: a file and the fields of `body`. */
  upload?: boolean;
  /** What a header means, by its name. */
  headers?: Readonly<Record<string, string>>;
  /** The first is that of success. Problems are described for all endpoints together. */
  replies: Readonly<Record<number, Reply>>;
}

type OutputOf<T> = T extends z.ZodType ? z.output<T> : undefined;

/** What a handler is given: everything parsed. */
export interface Given<S extends EndpointSpec> {
  params: OutputOf<S['params']>;
  query: OutputOf<S['query']>;
  body: OutputOf<S['body']>;
  caller: Caller;
}

const endpointKey = 'sluice:endpoint';

/** Keeps the exact type of a description. */
export function describe<const S extends EndpointSpec>(spec: S): S {
  return spec;
}

/** Makes a method the handler of an endpoint. */
export function Endpoint(spec: EndpointSpec): MethodDecorator {
  const [status = '200'] = Object.keys(spec.replies);
  return applyDecorators(
    RequestMapping({ method: RequestMethod[spec.method], path: spec.path }),
    HttpCode(Number(status)),
    SetMetadata(endpointKey, spec),
  );
}

/** The parameter of a handler that gets what was asked for. @throws SluiceError USAGE naming field and rule */
export const Input = createParamDecorator((_: unknown, context: ExecutionContext): Given<EndpointSpec> => {
  const spec = endpointOf(context.getHandler());
  const request = context.switchToHttp().getRequest<FastifyRequest & { caller?: Caller }>();
  if (spec === undefined || request.caller === undefined) throw new Error('A handler without a description.');
  return {
    params: parse(spec.params, request.params),
    query: parse(spec.query, request.query),
    body: spec.upload === true && request.isMultipart() ? undefined : parse(spec.body, request.body),
    caller: request.caller,
  } as Given<EndpointSpec>;
});

/** The description of a handler; undefined if it has none. */
export function endpointOf(handler: object): EndpointSpec | undefined {
  return Reflect.getMetadata(endpointKey, handler) as EndpointSpec | undefined;
}

/** @throws SluiceError USAGE; all findings are in its cause */
export function parse(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const parsed = schema.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const findings = parsed.error.issues.map(({ path, message }) => ({
    field: path.map(String).join('.'),
    rule: message,
  }));
  const [first] = findings;
  throw new SluiceError('USAGE', `${first?.field || 'request'}: ${first?.rule ?? 'is not valid'}`, {
    cause: new Findings(findings),
  });
}
