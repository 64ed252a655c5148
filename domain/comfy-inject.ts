import { nodeIds, titleOf, type ComfyGraph } from './comfy-graph.ts';
import { comfyParameters, findTargets, type ComfyParameter, type ComfyTarget } from './comfy-targets.ts';

export interface ComfyLora {
  name: string;
  /** Of model and CLIP alike. */
  strength?: number;
}

/** What a graph is given; what is left out stays as the graph has it. */
export interface ComfyParameterValues {
  prompt?: string;
  negative_prompt?: string;
  seed?: number;
  steps?: number;
  cfg?: number;
  sampler?: string;
  scheduler?: string;
  width?: number;
  height?: number;
  batch_size?: number;
  checkpoint?: string;
  /** The first goes to the graph's first LoRA loader, and so on. */
  loras?: readonly ComfyLora[];
  /** As the server calls it after an upload. */
  source_image?: string;
  filename_prefix?: string;
}

export interface ComfyInjection {
  /** A copy; the given graph is left alone. */
  graph: ComfyGraph;
  /** What was written where. */
  applied: ComfyTarget[];
  /** What was asked for and has no place in the graph. */
  missing: ComfyParameter[];
}

/** Writes parameters into a graph. It is for the caller to decide whether what is missing matters. */
export function injectParameters(graph: ComfyGraph, values: ComfyParameterValues): ComfyInjection {
  const copy = structuredClone(graph);
  const targets = findTargets(graph);
  const applied: ComfyTarget[] = [];
  const missing: ComfyParameter[] = [];
  const write = (parameter: ComfyParameter, places: ComfyTarget[], value: string | number): void => {
    if (places.length === 0 && !missing.includes(parameter)) missing.push(parameter);
    for (const place of places) {
      const node = copy[place.node];
      if (node === undefined) continue;
      node.inputs[place.input] = value;
      applied.push({ ...place, value });
    }
  };

  const { loras = [], ...single } = values;
  for (const parameter of comfyParameters) {
    if (parameter === 'lora' || parameter === 'lora_strength') continue;
    const value = single[parameter];
    if (value === undefined) continue;
    write(
      parameter,
      targets.filter((target) => target.parameter === parameter),
      value,
    );
  }
  const names = targets.filter(({ parameter }) => parameter === 'lora');
  loras.forEach(({ name, strength }, n) => {
    const loader = names[n];
    write('lora', loader === undefined ? [] : [loader], name);
    if (strength === undefined) return;
    const places = targets.filter(({ parameter, node }) => parameter === 'lora_strength' && node === loader?.node);
    write('lora_strength', places, strength);
  });
  return { graph: copy, applied, missing };
}

export interface ComfyInspection {
  nodes: number;
  targets: ComfyTarget[];
  /** Parameters that have no place in the graph. */
  without: ComfyParameter[];
  /** Classes the server must have. */
  classes: string[];
  /** Nodes that save pictures. */
  outputs: { node: string; classType: string; title: string }[];
}

/** What a graph can be given, and what it needs. */
export function inspectGraph(graph: ComfyGraph): ComfyInspection {
  const targets = findTargets(graph);
  const ids = nodeIds(graph);
  return {
    nodes: ids.length,
    targets,
    without: comfyParameters.filter((parameter) => !targets.some((target) => target.parameter === parameter)),
    classes: [...new Set(Object.values(graph).map((node) => node.class_type))].sort(),
    outputs: ids.flatMap((id) => {
      const node = graph[id];
      return node !== undefined && /^(Save|Preview)/.test(node.class_type)
        ? [{ node: id, classType: node.class_type, title: titleOf(node) }]
        : [];
    }),
  };
}
