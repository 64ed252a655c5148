import type { Type } from '@nestjs/common';
import { z } from 'zod';
import { endpointOf, type EndpointSpec } from '../http/endpoint.ts';
import { problemSchema } from '../http/problem.ts';

type Json = Record<string, unknown>;

/**
 * The description of the service, made of what its endpoints are declared with: the schemas that check requests
 * are the ones that are shown.
 *
 * @see https://spec.openapis.org/oas/v3.1.1.html
 */
export function openApiDocument(controllers: readonly Type[], version: string): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  const problem = { 'application/problem+json': { schema: toSchema(problemSchema, 'output', schemas) } };
  for (const spec of endpointsOf(controllers)) {
    const path = `/api/${spec.path}`.replace(/:(\w+)/g, '{$1}').replace('*', '{key}');
    (paths[path] ??= {})[spec.method.toLowerCase()] = operation(spec, schemas);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sluice',
      version,
      description:
        'Thousands of generations as durable batches. Every reply that is no success is a problem (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths,
    components: {
      schemas,
      responses: { Problem: { description: 'What went wrong, and what to do.', content: problem } },
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'Made with: sluice token create' } },
    },
  };
}

/** Every endpoint of some controllers. */
export function endpointsOf(controllers: readonly Type[]): EndpointSpec[] {
  return controllers.flatMap((controller) => {
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const handler = prototype[name];
      return typeof handler === 'function' ? (endpointOf(handler) ?? []) : [];
    });
  });
}

function operation(spec: EndpointSpec, schemas: Json): Json {
  const { method, path, role, tag, summary, headers = {} } = spec;
  const body = bodyOf(spec, schemas);
  return {
    operationId: `${method.toLowerCase()}${path.replace(/[^a-z]+(.)?/gi, (_, next: string | undefined) => `_${next ?? ''}`)}`,
    tags: [tag],
    summary,
    ...(role === 'public' ? { security: [] } : { security: [{ token: [] }], 'x-role': role }),
    parameters: [
      ...parameters(spec.params, 'path', schemas),
      ...parameters(spec.query, 'query', schemas),
      ...Object.entries(headers).map(([name, description]) => ({
        name,
        in: 'header',
        description,
        schema: { type: 'string' },
      })),
    ],
    ...(body === null ? {} : { requestBody: { content: body } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(spec.replies).map(([status, { description, schema, type }]) => [
          status,
          {
            description,
            ...(schema === undefined
              ? { content: { [type ?? 'application/octet-stream']: {} } }
              : { content: { 'application/json': { schema: toSchema(schema, 'output', schemas) } } }),
          },
        ]),
      ),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function bodyOf({ body, upload }: EndpointSpec, schemas: Json): Json | null {
  if (body === undefined) return null;
  const json = { 'application/json': { schema: toSchema(body, 'input', schemas) } };
  if (upload !== true) return json;
  const options = { type: 'string', contentMediaType: 'application/json', description: 'Options as JSON' };
  const file = { type: 'string', contentMediaType: 'text/csv', description: 'CSV or JSONL; comes last' };
  return {
    ...json,
    'multipart/form-data': {
      schema: {
        type: 'object',
        properties: { options, file },
        required: ['file'],
        additionalProperties: { description: 'An option of its own' },
      },
    },
  };
}

function parameters(schema: z.ZodObject | undefined, place: 'path' | 'query', schemas: Json): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = toSchema(schema, 'input', schemas) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name: name === '*' ? 'key' : name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: property,
  }));
}

/** A schema as the document has it; those with a name are put among its components. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const { $schema: _, $defs = {}, ...root } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  for (const [name, definition] of Object.entries($defs as Json)) schemas[name] ??= tidy(definition);
  const { id } = root;
  if (typeof id !== 'string') return tidy(root) as Json;
  schemas[id] ??= tidy(root);
  return { $ref: `#/components/schemas/${id}` };
}

/** References lead to the components; an id would make each a document of its own. */
function tidy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === 'id' && typeof inner === 'string'))
      .map(([key, inner]) => [
        key,
        key === '$ref' && typeof inner === 'string' ? inner.replace('#/$defs/', '#/components/schemas/') : tidy(inner),
      ]),
  );
}
