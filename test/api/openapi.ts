import { z } from 'zod';

const schema = z.record(z.string(), z.unknown());
const content = z.record(z.string(), z.object({ schema: schema.optional() }));
const reply = z.object({ $ref: z.string().optional(), content: content.optional() });
const documentSchema = z.object({
  openapi: z.literal('3.1.1'),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ responses: z.record(z.string(), reply), security: z.array(z.unknown()) })),
  ),
  components: z.object({ schemas: z.record(z.string(), z.unknown()), responses: z.record(z.string(), reply) }),
});

/** Says what is wrong with an answer by the description the service gives of itself. */
export class OpenApi {
  readonly document: z.output<typeof documentSchema>;
  private readonly compiled = new Map<object, z.ZodType>();

  constructor(document: unknown) {
    this.document = documentSchema.parse(document);
  }

  /** @returns null if the answer is as described */
  problemOf(answer: { method: string; path: string; status: number; type: string; json: unknown }): string | null {
    const operation = this.operation(answer.path, answer.method.toLowerCase());
    if (operation === undefined) return answer.status === 404 ? null : `${answer.path} is not described`;
    const found =
      operation.responses[String(answer.status)] ?? (answer.status < 400 ? undefined : operation.responses['default']);
    if (found === undefined)
      return [304, 206, 416].includes(answer.status) ? null : `${answer.status} is not described`;
    const name = found.$ref?.split('/').at(-1);
    const described = (name === undefined ? found : this.document.components.responses[name])?.content ?? {};
    const [type = ''] = answer.type.split(';');
    const media = described[type] ?? described['application/octet-stream'];
    if (media === undefined)
      return Object.keys(described).includes('application/jsonl') ? null : `${type} is not described`;
    if (media.schema === undefined) return null;
    const parsed = this.compile(media.schema).safeParse(answer.json);
    return parsed.success ? null : z.prettifyError(parsed.error);
  }

  private operation(path: string, method: string) {
    // Paths without parameters first: `/batches/plan` is no batch.
    const templates = Object.keys(this.document.paths).sort(
      (a, b) => Number(a.includes('{')) - Number(b.includes('{')),
    );
    const template = templates.find((candidate) =>
      new RegExp(`^${candidate.replace(/\/\{key\}$/, '/.+').replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    return template === undefined ? undefined : this.document.paths[template]?.[method];
  }

  private compile(of: object): z.ZodType {
    const present = this.compiled.get(of);
    if (present !== undefined) return present;
    const local = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '#/$defs/'));
    const made = z.fromJSONSchema({
      ...(local(of) as object),
      $defs: local(this.document.components.schemas) as never,
    });
    this.compiled.set(of, made);
    return made;
  }
}
