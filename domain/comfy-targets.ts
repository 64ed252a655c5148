import { asLink, linksOf, nodeIds, titleOf, type ComfyGraph, type ComfyNode } from './comfy-graph.ts';

/** What a graph can be given, in the order it is shown. */
export const comfyParameters = [
  'prompt',
  'negative_prompt',
  'seed',
  'steps',
  'cfg',
  'sampler',
  'scheduler',
  'width',
  'height',
  'batch_size',
  'checkpoint',
  'lora',
  'lora_strength',
  'source_image',
  'filename_prefix',
] as const;
export type ComfyParameter = (typeof comfyParameters)[number];

/** An input of a node that a parameter is written to. */
export interface ComfyTarget {
  parameter: ComfyParameter;
  node: string;
  classType: string;
  title: string;
  input: string;
  /** What the graph has there now. */
  value: unknown;
}

interface Rule {
  /** Classes of nodes, and their inputs, that take the parameter. */
  classes: RegExp;
  inputs: readonly string[];
  /** A title that says so: where a node bears it, only such nodes are targets. */
  title: RegExp;
  /** Only the first node is written to: two checkpoints in a graph are two different models. */
  single?: true;
}

const samplers = /sampler/i;
const emptyPictures = /^Empty\w*Latent\w*$|^EmptyImage$/;
/** Inputs of nodes that only hold a value, such as PrimitiveInt. */
const primitives = ['value', 'int', 'float', 'string', 'text'];

const rules: Readonly<Record<Exclude<ComfyParameter, 'prompt' | 'negative_prompt'>, Rule>> = {
  seed: { classes: /./, inputs: ['seed', 'noise_seed'], title: /^(noise )?seed$/i },
  steps: { classes: /sampler|scheduler/i, inputs: ['steps'], title: /^steps$/i },
  cfg: { classes: /sampler|cfgguider/i, inputs: ['cfg'], title: /^cfg( scale)?$/i },
  sampler: { classes: samplers, inputs: ['sampler_name'], title: /^sampler( name)?$/i },
  scheduler: { classes: /sampler|scheduler/i, inputs: ['scheduler'], title: /^scheduler$/i },
  width: { classes: emptyPictures, inputs: ['width'], title: /^(width|size)$/i },
  height: { classes: emptyPictures, inputs: ['height'], title: /^(height|size)$/i },
  batch_size: {
    classes: /^Empty\w*Latent\w*$|^EmptyImage$|^RepeatLatentBatch$/,
    inputs: ['batch_size', 'amount'],
    title: /^batch([ _]size)?$/i,
  },
  checkpoint: {
    classes: /^(CheckpointLoader\w*|ImageOnlyCheckpointLoader|U[Nn][Ee][Tt]Loader\w*)$/,
    inputs: ['ckpt_name', 'unet_name'],
    title: /^(checkpoint|model|base model)$/i,
    single: true,
  },
  lora: { classes: /^LoraLoader(ModelOnly)?$/, inputs: ['lora_name'], title: /^lora( \d+)?$/i },
  lora_strength: {
    classes: /^LoraLoader(ModelOnly)?$/,
    inputs: ['strength_model', 'strength_clip'],
    title: /^lora( \d+)?$/i,
  },
  source_image: { classes: /^LoadImage$/, inputs: ['image'], title: /^(source|source image|image)$/i, single: true },
  filename_prefix: { classes: /./, inputs: ['filename_prefix'], title: /^output$/i },
};

/** A place, and the input that is given it over a link; that input itself where there is none. */
interface FoundTarget extends ComfyTarget {
  user: { node: string; input: string };
}

/**
 * Every place in a graph that a parameter is written to. A title wins over the class; a value that comes
 * over a link from a node that only holds a value is written there. Where such a node serves several parameters, each
 * is written where it is used, in place of the link.
 */
export function findTargets(graph: ComfyGraph): ComfyTarget[] {
  const prompts = promptTargets(graph);
  const found: FoundTarget[] = comfyParameters.flatMap((parameter) => {
    if (parameter === 'prompt') return prompts.positive;
    if (parameter === 'negative_prompt') return prompts.negative;
    return ruleTargets(graph, parameter, rules[parameter]);
  });
  const users = Map.groupBy(found, placeOf);
  const targets = found.map(({ user, ...target }) => {
    const shared = users.get(placeOf(target))?.some(({ parameter }) => parameter !== target.parameter) === true;
    const node = graph[user.node];
    if (!shared || node === undefined) return target;
    return { ...target, ...user, classType: node.class_type, title: titleOf(node) };
  });
  return [...new Map(targets.map((target) => [`${target.parameter}\0${placeOf(target)}`, target])).values()];
}

function placeOf({ node, input }: ComfyTarget): string {
  return `${node}\0${input}`;
}

function ruleTargets(graph: ComfyGraph, parameter: ComfyParameter, rule: Rule): FoundTarget[] {
  const ids = nodeIds(graph);
  const titled = ids.filter((id) => rule.title.test(titleAt(graph, id)));
  const byTitle = titled.flatMap((id) => inputTargets(graph, parameter, id, [...rule.inputs, ...primitives]));
  const byClass = ids
    .filter((id) => rule.classes.test(graph[id]?.class_type ?? ''))
    .flatMap((id) => inputTargets(graph, parameter, id, rule.inputs));
  const found = byTitle.length > 0 ? byTitle : byClass;
  return rule.single === true ? found.slice(0, 1) : found;
}

const textInputs = ['text', 'text_g', 'text_l', 'clip_g', 'clip_l', 't5xxl', 'prompt', 'value', 'string'];

function promptTargets(graph: ComfyGraph): { positive: FoundTarget[]; negative: FoundTarget[] } {
  const positive = titledPrompts(graph, 'prompt', /\bpositive\b|^prompt$/i, /\bnegative\b/i);
  const negative = titledPrompts(graph, 'negative_prompt', /\bnegative\b/i, /\bpositive\b/i);
  const wired = { positive: wiredEncoders(graph, 'positive'), negative: wiredEncoders(graph, 'negative') };
  return {
    positive:
      positive.length > 0
        ? positive
        : texts(
            graph,
            'prompt',
            wired.positive.filter((id) => !negative.some(({ node }) => node === id)),
          ),
    // An encoder that feeds both sides says what the picture shows, not what it must not.
    negative:
      negative.length > 0
        ? negative
        : texts(
            graph,
            'negative_prompt',
            wired.negative.filter((id) => !wired.positive.includes(id) && !positive.some(({ node }) => node === id)),
          ),
  };
}

function titledPrompts(graph: ComfyGraph, parameter: ComfyParameter, title: RegExp, not: RegExp): FoundTarget[] {
  const ids = nodeIds(graph).filter((id) => title.test(titleAt(graph, id)) && !not.test(titleAt(graph, id)));
  return texts(graph, parameter, ids);
}

function texts(graph: ComfyGraph, parameter: ComfyParameter, ids: string[]): FoundTarget[] {
  const found = ids.flatMap((id) => inputTargets(graph, parameter, id, textInputs));
  return found.filter(({ value }) => typeof value === 'string');
}

/** Text encoders whose output reaches an input `positive` or `negative` (or, for Flux, a BasicGuider). */
function wiredEncoders(graph: ComfyGraph, side: 'positive' | 'negative'): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const follow = (id: string): void => {
    const node = graph[id];
    // What is zeroed out carries no words.
    if (node === undefined || seen.has(id) || node.class_type === 'ConditioningZeroOut') return;
    seen.add(id);
    if (node.class_type.includes('TextEncode')) {
      found.add(id);
      return;
    }
    // A node with both sides, such as ControlNetApplyAdvanced, hands each through on its own.
    const own = asLink(node.inputs[side]);
    const sources = own === undefined ? linksOf(node).map(([, source]) => source) : [own];
    for (const source of sources) follow(source.node);
  };
  for (const id of nodeIds(graph)) {
    const node = graph[id];
    const guided = side === 'positive' && node?.class_type === 'BasicGuider' ? node.inputs['conditioning'] : undefined;
    const start = asLink(node?.inputs[side] ?? guided);
    if (start !== undefined) follow(start.node);
  }
  return [...found];
}

/** The given inputs of a node, each followed to the literal it comes from. */
function inputTargets(
  graph: ComfyGraph,
  parameter: ComfyParameter,
  id: string,
  inputs: readonly string[],
): FoundTarget[] {
  return inputs.flatMap((input) => {
    const place = literalPlace(graph, id, input, inputs);
    const node = place === undefined ? undefined : graph[place.node];
    if (place === undefined || node === undefined) return [];
    const { class_type: classType } = node;
    const value = node.inputs[place.input];
    return [{ parameter, ...place, classType, title: titleOf(node), value, user: { node: id, input } }];
  });
}

function literalPlace(
  graph: ComfyGraph,
  id: string,
  input: string,
  names: readonly string[],
): { node: string; input: string } | undefined {
  const value = graph[id]?.inputs[input];
  if (value === undefined) return undefined;
  const link = asLink(value);
  if (link === undefined) return { node: id, input };
  const source: ComfyNode | undefined = graph[link.node];
  const holder = [...primitives, ...names].find(
    (name) => source?.inputs[name] !== undefined && asLink(source.inputs[name]) === undefined,
  );
  return holder === undefined ? undefined : { node: link.node, input: holder };
}

function titleAt(graph: ComfyGraph, id: string): string {
  const node = graph[id];
  return node === undefined ? '' : titleOf(node).trim();
}
