import { z } from 'zod';
import { SluiceError } from './errors.ts';

/** A link to another node's output: `[node id, output slot]`. Anything else in `inputs` is a literal value. */
const linkSchema = z.tuple([z.union([z.string(), z.number()]), z.int().min(0)]);

const nodeSchema = z.looseObject({
  class_type: z.string().min(1),
  inputs: z.record(z.string(), z.json()).default({}),
  _meta: z.looseObject({ title: z.string().optional() }).optional(),
});
export type ComfyNode = z.output<typeof nodeSchema>;

/** A ComfyUI graph in API format: node id → node. */
const graphSchema = z.record(z.string().min(1), nodeSchema);
export type ComfyGraph = z.output<typeof graphSchema>;

/**
 * Checks that a value is a graph in ComfyUI's API format, and that its links lead somewhere.
 *
 * @param name what the graph is called in messages, e.g. its path.
 * @throws SluiceError CONFIG_INVALID that says what is wrong and where.
 */
export function parseComfyGraph(value: unknown, name = 'the graph'): ComfyGraph {
  if (isEditorWorkflow(value)) {
    throw new SluiceError('CONFIG_INVALID', `${name} is a workflow as ComfyUI's editor saves it, not in API format.`, {
      action: 'Export it from ComfyUI with Workflow → Export (API).',
    });
  }
  const parsed = graphSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
    throw new SluiceError('CONFIG_INVALID', `${name} is not a ComfyUI graph${where}: ${issue?.message ?? ''}.`);
  }
  const graph = parsed.data;
  if (Object.keys(graph).length === 0) throw new SluiceError('CONFIG_INVALID', `${name} has no nodes.`);
  for (const [id, node] of Object.entries(graph)) {
    for (const [input, source] of linksOf(node)) {
      if (graph[source.node] === undefined) {
        throw new SluiceError(
          'CONFIG_INVALID',
          `In ${name}, input ${input} of ${nodeLabel(id, node)} is linked to node ${source.node}, which is not there.`,
        );
      }
    }
  }
  return graph;
}

function isEditorWorkflow(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'nodes' in value && Array.isArray(value.nodes);
}

export interface ComfyLink {
  node: string;
  slot: number;
}

/** The link an input's value is; undefined for a literal. */
export function asLink(value: unknown): ComfyLink | undefined {
  const link = linkSchema.safeParse(value).data;
  return link === undefined ? undefined : { node: `${link[0]}`, slot: link[1] };
}

/** Inputs of a node that are linked, with what they are linked to. */
export function linksOf(node: ComfyNode): [input: string, source: ComfyLink][] {
  return Object.entries(node.inputs).flatMap(([input, value]): [string, ComfyLink][] => {
    const link = asLink(value);
    return link === undefined ? [] : [[input, link]];
  });
}

/** The title a person gave a node in the editor; empty if none. */
export function titleOf(node: ComfyNode): string {
  return node._meta?.title ?? '';
}

/** A node as messages name it, e.g. `node 3 (KSampler)`. */
function nodeLabel(id: string, node: Pick<ComfyNode, 'class_type'> | undefined): string {
  return node === undefined ? `node ${id}` : `node ${id} (${node.class_type})`;
}

/** Node ids in the order a person numbers them: 2 before 10, `57:3` after both. */
export function nodeIds(graph: ComfyGraph): string[] {
  return Object.keys(graph).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}
