import { z } from 'zod';
import { stepKinds } from './flow.ts';
import { flowHeadSchema, loopHeadSchema, stepSchema } from './flow-file.ts';
import { stepOptions } from './step-options.ts';

const steps = stepKinds.map((kind) => {
  const options: z.ZodObject = stepOptions[kind];
  const needed = !options.safeParse({}).success;
  const schema = stepSchema.extend({ uses: z.literal(kind), with: needed ? options : options.optional() });
  return schema.meta({ id: `${kind}_step` });
});
const loop = loopHeadSchema.extend({ steps: z.array(z.union(steps)).min(1).max(20) }).meta({ id: 'loop' });
const file = flowHeadSchema.extend({
  steps: z
    .array(z.union([...steps, loop]))
    .min(1)
    .max(50),
});

/**
 * The JSON Schema of flow files, for editors: completion, descriptions and mistakes as they are typed. What
 * `sluice flow validate` finds beyond it (names, models, templates) no schema can say.
 */
export function flowFileJsonSchema(): object {
  const schema = z.toJSONSchema(file, { io: 'input', target: 'draft-2020-12' });
  return { title: 'Sluice flow', ...(walk(schema, false) as object) };
}

/** Below `with` a template may stand in place of any value. */
const template = { type: 'string', pattern: '\\{\\{|\\{%' };

function walk(value: unknown, inWith: boolean): unknown {
  if (Array.isArray(value)) return value.map((entry: unknown) => walk(entry, inWith));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Record<string, unknown>).map(([key, inner]) => {
    if (key !== 'properties' || typeof inner !== 'object' || inner === null) return [key, walk(inner, inWith)] as const;
    const properties = Object.entries(inner as Record<string, unknown>).map(([name, property]) => {
      const below = inWith || name === 'with';
      const walked = walk(property, below);
      return [name, inWith && !isText(walked) ? { anyOf: [walked, template] } : walked] as const;
    });
    return [key, Object.fromEntries(properties)] as const;
  });
  return Object.fromEntries(entries);
}

function isText(schema: unknown): boolean {
  return (
    typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'string' && !('enum' in schema)
  );
}
