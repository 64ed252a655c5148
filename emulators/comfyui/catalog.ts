/** What an input of a node takes. */
export type InputSpec =
  | { kind: 'link'; type: string }
  | { kind: 'INT' | 'FLOAT'; min: number; max: number; default: number }
  | { kind: 'STRING' | 'BOOLEAN' }
  | { kind: 'combo'; values: readonly string[] | 'checkpoints' | 'loras' | 'images' };

export interface NodeClass {
  required: Readonly<Record<string, InputSpec>>;
  optional?: Readonly<Record<string, InputSpec>>;
  outputs: readonly string[];
  /** Its results are what a prompt is run for. */
  output?: true;
}

const link = (type: string): InputSpec => ({ kind: 'link', type });
const int = (min: number, max: number, fallback = min): InputSpec => ({ kind: 'INT', min, max, default: fallback });
const float = (min: number, max: number, fallback = 1): InputSpec => ({ kind: 'FLOAT', min, max, default: fallback });
const combo = (values: Extract<InputSpec, { kind: 'combo' }>['values']): InputSpec => ({ kind: 'combo', values });
const text: InputSpec = { kind: 'STRING' };

const maxSeed = 2 ** 64;
const size = { width: int(16, 16_384, 512), height: int(16, 16_384, 512), batch_size: int(1, 4_096, 1) };
const samplerNames = combo(['euler', 'euler_ancestral', 'dpmpp_2m', 'dpmpp_2m_sde', 'ddim', 'uni_pc']);
const schedulerNames = combo(['normal', 'karras', 'exponential', 'sgm_uniform', 'simple', 'beta']);
const sampling = {
  model: link('MODEL'),
  steps: int(1, 10_000, 20),
  cfg: float(0, 100, 8),
  sampler_name: samplerNames,
  scheduler: schedulerNames,
  positive: link('CONDITIONING'),
  negative: link('CONDITIONING'),
  latent_image: link('LATENT'),
};

/** The classes of stock ComfyUI that the emulator has, with inputs as ComfyUI declares them. */
export const nodeClasses: Readonly<Partial<Record<string, NodeClass>>> = {
  CheckpointLoaderSimple: { required: { ckpt_name: combo('checkpoints') }, outputs: ['MODEL', 'CLIP', 'VAE'] },
  UNETLoader: {
    required: { unet_name: combo('checkpoints'), weight_dtype: combo(['default', 'fp8_e4m3fn']) },
    outputs: ['MODEL'],
  },
  LoraLoader: {
    required: {
      model: link('MODEL'),
      clip: link('CLIP'),
      lora_name: combo('loras'),
      strength_model: float(-100, 100),
      strength_clip: float(-100, 100),
    },
    outputs: ['MODEL', 'CLIP'],
  },
  LoraLoaderModelOnly: {
    required: { model: link('MODEL'), lora_name: combo('loras'), strength_model: float(-100, 100) },
    outputs: ['MODEL'],
  },
  CLIPTextEncode: { required: { text, clip: link('CLIP') }, outputs: ['CONDITIONING'] },
  EmptyLatentImage: { required: size, outputs: ['LATENT'] },
  EmptySD3LatentImage: { required: size, outputs: ['LATENT'] },
  KSampler: {
    required: { ...sampling, seed: int(0, maxSeed), denoise: float(0, 1) },
    outputs: ['LATENT'],
  },
  KSamplerAdvanced: {
    required: {
      ...sampling,
      noise_seed: int(0, maxSeed),
      add_noise: combo(['enable', 'disable']),
      start_at_step: int(0, 10_000),
      end_at_step: int(0, 10_000, 10_000),
      return_with_leftover_noise: combo(['disable', 'enable']),
    },
    outputs: ['LATENT'],
  },
  VAEDecode: { required: { samples: link('LATENT'), vae: link('VAE') }, outputs: ['IMAGE'] },
  VAEEncode: { required: { pixels: link('IMAGE'), vae: link('VAE') }, outputs: ['LATENT'] },
  LoadImage: { required: { image: combo('images') }, outputs: ['IMAGE', 'MASK'] },
  EmptyImage: { required: { ...size, color: int(0, 0xffffff) }, outputs: ['IMAGE'] },
  PrimitiveInt: { required: { value: int(Number.MIN_SAFE_INTEGER, maxSeed) }, outputs: ['INT'] },
  PrimitiveString: { required: { value: text }, outputs: ['STRING'] },
  PrimitiveStringMultiline: { required: { value: text }, outputs: ['STRING'] },
  SaveImage: { required: { images: link('IMAGE'), filename_prefix: text }, outputs: [], output: true },
  PreviewImage: { required: { images: link('IMAGE') }, outputs: [], output: true },
};

/** What is installed: the lists that some inputs choose from. */
export interface Installed {
  checkpoints: readonly string[];
  loras: readonly string[];
  images: readonly string[];
}

export function choices(spec: Extract<InputSpec, { kind: 'combo' }>, installed: Installed): readonly string[] {
  return typeof spec.values === 'string' ? installed[spec.values] : spec.values;
}

/** One class as `/object_info` shows it. */
export function objectInfo(name: string, node: NodeClass, installed: Installed): object {
  const inputs = (specs: Readonly<Record<string, InputSpec>>) =>
    Object.fromEntries(Object.entries(specs).map(([input, spec]) => [input, inputInfo(spec, installed)]));
  return {
    input: { required: inputs(node.required), ...(node.optional && { optional: inputs(node.optional) }) },
    input_order: { required: Object.keys(node.required), optional: Object.keys(node.optional ?? {}) },
    output: node.outputs,
    output_is_list: node.outputs.map(() => false),
    output_name: node.outputs,
    name,
    display_name: name,
    description: '',
    python_module: 'nodes',
    category: 'emulated',
    output_node: node.output === true,
  };
}

/** What an input takes, as `/object_info` and validation errors show it. */
export function inputInfo(spec: InputSpec, installed: Installed): unknown[] {
  if (spec.kind === 'combo') return [choices(spec, installed)];
  if (spec.kind === 'link') return [spec.type];
  return spec.kind === 'INT' || spec.kind === 'FLOAT'
    ? [spec.kind, { default: spec.default, min: spec.min, max: spec.max }]
    : [spec.kind, {}];
}
