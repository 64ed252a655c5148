import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import { json, plain, type Reply } from './http.ts';
import type { ComfyMachine } from './machine.ts';
import { validatePrompt } from './validate.ts';

const bodySchema = z.looseObject({
  prompt: z.unknown().optional(),
  prompt_id: z.unknown().optional(),
  client_id: z.string().optional(),
  extra_data: z.record(z.string(), z.unknown()).default({}),
  front: z.boolean().default(false),
  number: z.number().optional(),
});
const graphSchema = z.record(
  z.string(),
  z.looseObject({ class_type: z.string(), inputs: z.record(z.string(), z.json()).default({}) }),
);
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `POST /prompt`. Not idempotent: the same id twice runs twice. */
export function submitPrompt(machine: ComfyMachine, text: string, profile: 'old' | 'new'): Reply {
  const body = bodySchema.safeParse(parse(text)).data;
  if (body === undefined) return plain(500, '500 Internal Server Error\n\nServer got itself in trouble');
  if (body.prompt === undefined) {
    return refusal('no_prompt', 'No prompt provided', 'No prompt provided');
  }
  const id = typeof body.prompt_id === 'string' ? body.prompt_id : randomUUID();
  if (profile === 'new' && !uuid.test(id)) {
    return refusal('invalid_prompt_id', 'prompt_id must be a valid UUID', `${id} is no lowercase hyphenated UUID`);
  }
  const graph: ComfyGraph | undefined = graphSchema.safeParse(body.prompt).data;
  if (graph === undefined) {
    const message = 'Cannot execute because a node is missing the class_type property.';
    return refusal('invalid_prompt', message, "Node ID '#1'");
  }
  const { error, nodeErrors, outputs } = validatePrompt(graph, machine.installed(), profile);
  if (error !== null) return json({ error, node_errors: nodeErrors }, 400);
  const { number, raised } = machine.submit({
    id,
    number: body.number,
    front: body.front,
    graph,
    extraData: {
      ...body.extra_data,
      ...(body.client_id !== undefined && { client_id: body.client_id }),
      ...(profile === 'new' && { create_time: Date.now() }),
    },
    outputs,
  });
  return raised
    ? plain(500, '500 Internal Server Error\n\nServer got itself in trouble')
    : json({ prompt_id: id, number, node_errors: nodeErrors });
}

function refusal(type: string, message: string, details: string): Reply {
  return json({ error: { type, message, details, extra_info: {} }, node_errors: {} }, 400);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
