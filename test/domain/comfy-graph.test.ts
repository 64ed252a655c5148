import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseComfyGraph } from '../../domain/comfy-graph.ts';
import { injectParameters, inspectGraph } from '../../domain/comfy-inject.ts';
import { findTargets } from '../../domain/comfy-targets.ts';

function shipped(name: string) {
  return parseComfyGraph(JSON.parse(readFileSync(`flows/comfy/${name}.json`, 'utf8')), name);
}

function node(class_type: string, inputs: object = {}, title?: string) {
  return { class_type, inputs, ...(title !== undefined && { _meta: { title } }) };
}

/** `parameter → node.input` of a graph, for those asked for. */
function places(graph: object, ...parameters: string[]): string[] {
  return findTargets(parseComfyGraph(graph))
    .filter(({ parameter }) => parameters.includes(parameter))
    .map(({ parameter, node: id, input }) => `${parameter} ${id}.${input}`);
}

describe('a graph is refused', () => {
  test.each([
    ['a list', [], /not a ComfyUI graph/],
    ['empty', {}, /has no nodes/],
    ['as the editor saves it', { nodes: [], links: [] }, /not in API format/],
    ['with a node without a class', { 4: { inputs: {} } }, /at 4\.class_type/],
    [
      'with a link to nowhere',
      { 4: node('VAEDecode', { vae: ['9', 0] }) },
      /vae of node 4 \(VAEDecode\) is linked to node 9/,
    ],
  ])('that is %s', (_, value, message) => {
    expect(() => parseComfyGraph(value)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });
});

test('the SDXL graph with LoRA takes every parameter but a source image', () => {
  expect(inspectGraph(shipped('sdxl-sprite-lora'))).toMatchObject({
    nodes: 8,
    without: ['source_image'],
    outputs: [{ node: '8', classType: 'SaveImage', title: 'output' }],
  });
  expect(inspectGraph(shipped('sdxl-sprite')).without).toEqual(['lora', 'lora_strength', 'source_image']);
});

test('the graph without a model needs no loader, and takes prompt, seed, size and batch size', () => {
  const { classes, targets } = inspectGraph(shipped('no-model'));
  expect(classes).toEqual(['EmptyImage', 'PrimitiveInt', 'PrimitiveStringMultiline', 'SaveImage']);
  expect(targets.map(({ parameter }) => parameter)).toEqual([
    'prompt',
    'seed',
    'width',
    'height',
    'batch_size',
    'filename_prefix',
  ]);
});

test('parameters are written into a copy, and what has no place is named', () => {
  const graph = shipped('sdxl-sprite');
  const before = structuredClone(graph);
  const {
    graph: changed,
    applied,
    missing,
  } = injectParameters(graph, {
    prompt: 'a fox',
    negative_prompt: 'a dog',
    seed: 7,
    steps: 15,
    cfg: 5.5,
    sampler: 'ddim',
    scheduler: 'karras',
    width: 512,
    height: 768,
    batch_size: 8,
    checkpoint: 'other.safetensors',
    filename_prefix: 'b/one',
    loras: [{ name: 'x', strength: 0.5 }],
    source_image: 'in.png',
  });
  expect(graph).toEqual(before);
  expect(missing).toEqual(['source_image', 'lora', 'lora_strength']);
  expect(applied).toHaveLength(12);
  expect(changed['3']?.inputs).toMatchObject({ text: 'a fox' });
  expect(changed['4']?.inputs).toMatchObject({ text: 'a dog' });
  expect(changed['5']?.inputs).toEqual({ width: 512, height: 768, batch_size: 8 });
  expect(changed['6']?.inputs).toMatchObject({
    seed: 7,
    steps: 15,
    cfg: 5.5,
    sampler_name: 'ddim',
    scheduler: 'karras',
  });
  expect(changed['1']?.inputs).toEqual({ ckpt_name: 'other.safetensors' });
  expect(changed['8']?.inputs).toMatchObject({ filename_prefix: 'b/one' });
});

test('LoRAs go to the loaders in order; one more than there are loaders is missing', () => {
  const { graph, missing } = injectParameters(shipped('sdxl-sprite-lora'), {
    loras: [{ name: 'a', strength: 0.5 }, { name: 'b' }],
  });
  expect(graph['2']?.inputs).toMatchObject({ lora_name: 'a', strength_model: 0.5, strength_clip: 0.5 });
  expect(missing).toEqual(['lora']);
});

describe('prompts are found', () => {
  const encoders = { 10: node('CLIPTextEncode', { text: 'p' }), 2: node('CLIPTextEncode', { text: 'n' }) };
  test('by the wires of the sampler, through what lies between', () => {
    const graph = {
      ...encoders,
      3: node('ControlNetApplyAdvanced', { positive: ['10', 0], negative: ['2', 0] }),
      4: node('KSampler', { positive: ['3', 0], negative: ['3', 1] }),
    };
    expect(places(graph, 'prompt', 'negative_prompt')).toEqual(['prompt 10.text', 'negative_prompt 2.text']);
  });

  test('by title, which wins over the wires', () => {
    const graph = {
      ...encoders,
      5: node('CLIPTextEncode', { text: 'x' }, 'CLIP Text Encode (Negative Prompt)'),
      4: node('KSampler', { positive: ['10', 0], negative: ['2', 0] }),
    };
    expect(places(graph, 'prompt', 'negative_prompt')).toEqual(['prompt 10.text', 'negative_prompt 5.text']);
  });

  test('where a text comes over a link, in the node that holds it', () => {
    const graph = {
      1: node('PrimitiveStringMultiline', { value: 'p' }),
      2: node('CLIPTextEncode', { text: ['1', 0] }),
      3: node('BasicGuider', { conditioning: ['2', 0] }),
    };
    expect(places(graph, 'prompt')).toEqual(['prompt 1.value']);
  });

  test('apart from other parameters that come from the same node', () => {
    const graph = {
      1: node('PrimitiveStringMultiline', { value: 'p' }, 'positive'),
      2: node('CLIPTextEncode', { text: ['1', 0] }),
      3: node('SaveImage', { filename_prefix: ['1', 0] }),
      4: node('PrimitiveInt', { value: 512 }),
      5: node('EmptyLatentImage', { width: ['4', 0], height: ['4', 0], batch_size: 1 }),
      6: node('EmptyLatentImage', { width: ['4', 0], height: 64, batch_size: 1 }),
    };
    expect(places(graph, 'prompt', 'filename_prefix', 'width', 'height')).toEqual([
      'prompt 1.value',
      'width 5.width',
      'width 6.width',
      'height 5.height',
      'height 6.height',
      'filename_prefix 3.filename_prefix',
    ]);
    const { graph: given } = injectParameters(parseComfyGraph(graph), {
      prompt: 'a slime',
      width: 64,
      height: 96,
      filename_prefix: 'f',
    });
    expect(given['1']?.inputs).toEqual({ value: 'a slime' });
    expect(given['5']?.inputs).toMatchObject({ width: 64, height: 96 });
  });

  test('but no negative one where the positive is zeroed out or feeds both sides', () => {
    const zeroed = {
      10: node('CLIPTextEncode', { text: 'p' }),
      3: node('ConditioningZeroOut', { conditioning: ['10', 0] }),
      4: node('KSampler', { positive: ['10', 0], negative: ['3', 0] }),
    };
    expect(places(zeroed, 'prompt', 'negative_prompt')).toEqual(['prompt 10.text']);
    const both = {
      10: node('CLIPTextEncode', { text: 'p' }),
      4: node('KSampler', { positive: ['10', 0], negative: ['10', 0] }),
    };
    expect(places(both, 'prompt', 'negative_prompt')).toEqual(['prompt 10.text']);
  });
});

test('the nodes of the newer samplers are targets too', () => {
  const graph = {
    1: node('RandomNoise', { noise_seed: 1 }),
    2: node('BasicScheduler', { scheduler: 'simple', steps: 4 }),
    3: node('KSamplerSelect', { sampler_name: 'euler' }),
    4: node('EmptySD3LatentImage', { width: 64, height: 64, batch_size: 1 }),
    5: node('UNETLoader', { unet_name: 'flux' }),
    6: node('LoraLoaderModelOnly', { lora_name: 'l', strength_model: 1 }),
    7: node('KSamplerAdvanced', { noise_seed: 2, steps: 9, cfg: 3 }),
  };
  expect(places(graph, 'seed', 'steps', 'cfg', 'sampler', 'scheduler', 'width', 'checkpoint', 'lora')).toEqual([
    'seed 1.noise_seed',
    'seed 7.noise_seed',
    'steps 2.steps',
    'steps 7.steps',
    'cfg 7.cfg',
    'sampler 3.sampler_name',
    'scheduler 2.scheduler',
    'width 4.width',
    'checkpoint 5.unet_name',
    'lora 6.lora_name',
  ]);
});

test('of two checkpoints only the first is replaced, or the one whose title says so', () => {
  const base = {
    1: node('CheckpointLoaderSimple', { ckpt_name: 'base' }),
    2: node('CheckpointLoaderSimple', { ckpt_name: 'refiner' }),
  };
  expect(places(base, 'checkpoint')).toEqual(['checkpoint 1.ckpt_name']);
  expect(places({ ...base, 2: { ...base[2], _meta: { title: 'Checkpoint' } } }, 'checkpoint')).toEqual([
    'checkpoint 2.ckpt_name',
  ]);
});
