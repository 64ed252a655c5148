import { asLink, type ComfyGraph, type ComfyNode } from '../../domain/comfy-graph.ts';
import { choices, inputInfo, nodeClasses, type InputSpec, type Installed } from './catalog.ts';

export interface PromptError {
  type: string;
  message: string;
  details: string;
  extra_info: object;
}

export interface NodeErrors {
  errors: PromptError[];
  dependent_outputs: string[];
  class_type: string;
}

/** As ComfyUI's `validate_prompt`: with an error nothing runs; without one, `nodeErrors` may name outputs left out. */
export interface Validation {
  error: PromptError | null;
  nodeErrors: Record<string, NodeErrors>;
  /** Output nodes that will run. */
  outputs: string[];
}

/** Validates a graph as ComfyUI does: classes first, then every output with all it depends on. */
export function validatePrompt(graph: ComfyGraph, installed: Installed, profile: 'old' | 'new'): Validation {
  for (const [id, node] of Object.entries(graph)) {
    if (nodeClasses[node.class_type] !== undefined) continue;
    return { error: unknownNode(id, node, profile), nodeErrors: {}, outputs: [] };
  }
  const outputs = Object.keys(graph).filter((id) => nodeClasses[graph[id]?.class_type ?? '']?.output === true);
  if (outputs.length === 0) {
    return { error: problem('prompt_no_outputs', 'Prompt has no outputs', ''), nodeErrors: {}, outputs: [] };
  }
  const nodeErrors: Validation['nodeErrors'] = {};
  const good = outputs.filter((output) => {
    const wrong = [...ancestors(graph, output)].flatMap((id) => {
      const errors = nodeProblems(graph, id, installed);
      return errors.length === 0 ? [] : [{ id, errors }];
    });
    for (const { id, errors } of wrong) {
      const entry = (nodeErrors[id] ??= { errors, dependent_outputs: [], class_type: graph[id]?.class_type ?? '' });
      entry.dependent_outputs.push(output);
    }
    return wrong.length === 0;
  });
  if (good.length > 0) return { error: null, nodeErrors, outputs: good };
  const details = Object.values(nodeErrors).flatMap(({ errors }) =>
    errors.map(({ message, details }) => `* ${message} - ${details}`),
  );
  return {
    error: problem('prompt_outputs_failed_validation', 'Prompt outputs failed validation', details.join('\n')),
    nodeErrors,
    outputs: [],
  };
}

/** A node and all it depends on, those first. */
export function ancestors(graph: ComfyGraph, id: string): Set<string> {
  const found = new Set<string>();
  const seen = new Set<string>();
  const visit = (node: string): void => {
    if (seen.has(node)) return;
    seen.add(node);
    for (const value of Object.values(graph[node]?.inputs ?? {})) {
      const link = asLink(value);
      if (link !== undefined) visit(link.node);
    }
    found.add(node);
  };
  visit(id);
  return found;
}

function unknownNode(id: string, node: ComfyNode, profile: 'old' | 'new'): PromptError {
  const { class_type: classType } = node;
  return profile === 'new'
    ? {
        ...problem(
          'missing_node_type',
          `Node '${classType}' not found. The custom node may not be installed.`,
          `Node ID '#${id}'`,
        ),
        extra_info: { node_id: id, class_type: classType, node_title: node._meta?.title ?? classType },
      }
    : problem('invalid_prompt', `Cannot execute because node ${classType} does not exist.`, `Node ID '#${id}'`);
}

function nodeProblems(graph: ComfyGraph, id: string, installed: Installed): PromptError[] {
  const node = graph[id];
  const spec = nodeClasses[node?.class_type ?? ''];
  if (node === undefined || spec === undefined) return [];
  return Object.entries({ ...spec.optional, ...spec.required }).flatMap(([input, inputSpec]) => {
    const value = node.inputs[input];
    if (value === undefined) {
      return Object.hasOwn(spec.required, input)
        ? [problem('required_input_missing', 'Required input is missing', input, { input_name: input })]
        : [];
    }
    const found = inputProblem(graph, input, value, inputSpec, installed);
    return found === null ? [] : [found];
  });
}

function inputProblem(
  graph: ComfyGraph,
  input: string,
  value: unknown,
  spec: InputSpec,
  installed: Installed,
): PromptError | null {
  const info = { input_name: input, input_config: inputInfo(spec, installed), received_value: value };
  const link = asLink(value);
  if (link !== undefined) {
    const type = nodeClasses[graph[link.node]?.class_type ?? '']?.outputs[link.slot];
    const wanted = spec.kind === 'link' ? spec.type : spec.kind;
    if (type === wanted) return null;
    const details = `${input}, received_type(${type ?? 'none'}) mismatch input_type(${wanted})`;
    return problem('return_type_mismatch', 'Return type mismatch between linked nodes', details, info);
  }
  switch (spec.kind) {
    case 'link':
      return problem(
        'bad_linked_input',
        'Bad linked input, must be a length-2 list of [node_id, slot_index]',
        input,
        info,
      );
    case 'combo': {
      const list = choices(spec, installed);
      if (typeof value === 'string' && list.includes(value)) return null;
      const shown =
        list.length > 20 ? `(list of length ${list.length})` : `[${list.map((one) => `'${one}'`).join(', ')}]`;
      return problem(
        'value_not_in_list',
        'Value not in list',
        `${input}: '${shownValue(value)}' not in ${shown}`,
        info,
      );
    }
    case 'INT':
    case 'FLOAT': {
      const number = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
      if (Number.isNaN(number)) {
        const message = `Failed to convert an input value to a ${spec.kind} value`;
        return problem('invalid_input_type', message, `${input}, ${shownValue(value)}`, info);
      }
      if (number < spec.min) {
        return problem('value_smaller_than_min', `Value ${number} smaller than min of ${spec.min}`, input, info);
      }
      return number > spec.max
        ? problem('value_bigger_than_max', `Value ${number} bigger than max of ${spec.max}`, input, info)
        : null;
    }
    case 'STRING':
    case 'BOOLEAN':
      return null;
  }
}

function shownValue(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function problem(type: string, message: string, details: string, extra_info: object = {}): PromptError {
  return { type, message, details, extra_info };
}
