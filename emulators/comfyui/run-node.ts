import { createHash } from 'node:crypto';
import type { ComfyGraph } from '../../domain/comfy-graph.ts';
import type { PromptFault } from './faults.ts';
import type { FileFolders, SavedFile } from './files.ts';
import type { VirtualGpu } from './gpu.ts';
import { NodeFailure } from './node-failure.ts';
import { preparePicture, renderPicture, type Picture } from './picture.ts';

/** What goes over links. */
export type Value =
  | { kind: 'model'; checkpoint: string; loras: string }
  | { kind: 'conditioning'; text: string }
  | { kind: 'latent'; width: number; height: number; batch: number; pictures: readonly Picture[] | null }
  | { kind: 'images'; pictures: readonly Picture[] }
  | { kind: 'scalar'; value: string | number }
  | { kind: 'nothing' };

export interface NodeRun {
  promptId: string;
  classType: string;
  /** Literals as they are, links as what came over them. */
  inputs: Readonly<Record<string, unknown>>;
  graph: ComfyGraph;
  extraData: Readonly<Record<string, unknown>>;
  fault: PromptFault | null;
  gpu: VirtualGpu;
  files: FileFolders;
  signal: AbortSignal;
  onStep: (step: number, steps: number) => void;
}

export interface NodeResult {
  outputs: readonly Value[];
  /** What an output node shows: files in history. */
  saved?: SavedFile[];
}

const nothing: Value = { kind: 'nothing' };

/**
 * Runs one node.
 *
 * @throws NodeFailure as the node would raise.
 */
export async function runNode(run: NodeRun): Promise<NodeResult> {
  const { classType } = run;
  switch (classType) {
    case 'CheckpointLoaderSimple':
    case 'UNETLoader': {
      const checkpoint = text(run, classType === 'UNETLoader' ? 'unet_name' : 'ckpt_name');
      await run.gpu.load(run.promptId, checkpoint, run.signal);
      return { outputs: [{ kind: 'model', checkpoint, loras: '' }, nothing, nothing] };
    }
    case 'LoraLoader':
    case 'LoraLoaderModelOnly': {
      const model = value(run, 'model', 'model');
      const loras = `${model.loras}+${text(run, 'lora_name')}@${number(run, 'strength_model')}`;
      return { outputs: [{ ...model, loras }, nothing] };
    }
    case 'CLIPTextEncode':
      return { outputs: [{ kind: 'conditioning', text: text(run, 'text') }] };
    case 'EmptyLatentImage':
    case 'EmptySD3LatentImage':
      return { outputs: [{ kind: 'latent', ...sizeOf(run), pictures: null }] };
    case 'KSampler':
    case 'KSamplerAdvanced':
      return { outputs: [await sample(run)] };
    case 'VAEDecode': {
      const { width, height, pictures } = value(run, 'samples', 'latent');
      return {
        outputs: [{ kind: 'images', pictures: pictures ?? [{ width, height, sprite: null, color: 0x808080 }] }],
      };
    }
    case 'VAEEncode': {
      const { pictures } = value(run, 'pixels', 'images');
      const [first] = pictures;
      const size = { width: first?.width ?? 512, height: first?.height ?? 512, batch: pictures.length };
      return { outputs: [{ kind: 'latent', ...size, pictures }] };
    }
    case 'LoadImage':
      return { outputs: [{ kind: 'images', pictures: [loadImage(run)] }, nothing] };
    case 'EmptyImage': {
      failIfFaulty(run);
      const { width, height, batch } = sizeOf(run);
      const picture = { width, height, sprite: null, color: number(run, 'color') & 0xffffff };
      return { outputs: [{ kind: 'images', pictures: Array.from({ length: batch }, () => picture) }] };
    }
    case 'PrimitiveInt':
      return { outputs: [{ kind: 'scalar', value: number(run, 'value') }] };
    case 'PrimitiveString':
    case 'PrimitiveStringMultiline':
      return { outputs: [{ kind: 'scalar', value: text(run, 'value') }] };
    case 'SaveImage':
    case 'PreviewImage':
      return { outputs: [], saved: save(run) };
    default:
      throw new NodeFailure('NotImplementedError', `The emulator cannot run ${classType}.`);
  }
}

async function sample(run: NodeRun): Promise<Value> {
  const model = value(run, 'model', 'model');
  const latent = value(run, 'latent_image', 'latent');
  const steps = number(run, 'steps');
  const sprite = {
    prompt: value(run, 'positive', 'conditioning').text,
    negative: value(run, 'negative', 'conditioning').text,
    seed: number(run, 'seed' in run.inputs ? 'seed' : 'noise_seed'),
    model: `${model.checkpoint}${model.loras}`,
  };
  const pictures = Array.from({ length: latent.batch }, (_, index): Picture => {
    return { width: latent.width, height: latent.height, sprite: { ...sprite, index }, color: 0 };
  });
  await run.gpu.load(run.promptId, model.checkpoint, run.signal);
  failIfFaulty(run);
  await run.gpu.sample(
    { promptId: run.promptId, batch: latent.batch, steps, width: latent.width, height: latent.height },
    (step) => {
      // All are packed by three quarters of the steps: what is left then is saving alone.
      const share = (done: number) => Math.min(pictures.length, Math.ceil((done * pictures.length) / (0.75 * steps)));
      pictures.slice(share(step - 1), share(step)).forEach(preparePicture);
      run.onStep(step, steps);
    },
    run.signal,
    run.fault === 'oom',
  );
  return { ...latent, pictures };
}

function failIfFaulty({ fault, classType }: NodeRun): void {
  if (fault === 'execution_error') throw new NodeFailure('RuntimeError', `A seeded fault of ${classType}.`);
  if (fault === 'oom' && classType === 'EmptyImage')
    throw new NodeFailure('torch.OutOfMemoryError', 'CUDA out of memory.');
}

function loadImage(run: NodeRun): Picture {
  const name = text(run, 'image');
  const bytes = run.files.read({
    filename: name.split('/').at(-1) ?? '',
    subfolder: name.split('/').slice(0, -1).join('/'),
    type: 'input',
  });
  if (typeof bytes === 'string' || bytes.readUInt32BE(0) !== 0x89504e47) {
    throw new NodeFailure('PIL.UnidentifiedImageError', `cannot identify image file '${name}'`);
  }
  // What an edit shows depends on its source's bytes.
  const seed = createHash('sha256').update(bytes).digest().readUInt32BE();
  const sprite = { prompt: name, negative: '', seed, index: 0, model: 'source' };
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), sprite, color: 0 };
}

/** As ComfyUI does: the graph as `prompt`, and every entry of `extra_pnginfo`, each as JSON. */
function save(run: NodeRun): SavedFile[] {
  const more = run.extraData['extra_pnginfo'];
  const entries: [string, unknown][] = typeof more === 'object' && more !== null ? Object.entries(more) : [];
  const texts: Record<string, string> = { prompt: JSON.stringify(run.graph) };
  for (const [key, entry] of entries) texts[key] = JSON.stringify(entry);
  const pictures = value(run, 'images', 'images').pictures.map((picture) => renderPicture(picture, texts));
  const temporary = run.classType === 'PreviewImage';
  return run.files.savePictures(
    temporary ? 'temp' : 'output',
    temporary ? 'ComfyUI_temp' : text(run, 'filename_prefix'),
    pictures,
  );
}

function sizeOf(run: NodeRun): { width: number; height: number; batch: number } {
  return { width: number(run, 'width'), height: number(run, 'height'), batch: number(run, 'batch_size') };
}

function value<Kind extends Value['kind']>(run: NodeRun, input: string, kind: Kind): Extract<Value, { kind: Kind }> {
  const found = run.inputs[input];
  if (isValue(found) && isKind(found, kind)) return found;
  throw new NodeFailure('TypeError', `Input ${input} of ${run.classType} is no ${kind}.`);
}

function isKind<Kind extends Value['kind']>(found: Value, kind: Kind): found is Extract<Value, { kind: Kind }> {
  return found.kind === kind;
}

function isValue(found: unknown): found is Value {
  return typeof found === 'object' && found !== null && 'kind' in found;
}

function scalar(run: NodeRun, input: string): unknown {
  const found = run.inputs[input];
  return isValue(found) ? value(run, input, 'scalar').value : found;
}

function number(run: NodeRun, input: string): number {
  return Number(scalar(run, input));
}

function text(run: NodeRun, input: string): string {
  const found = scalar(run, input);
  return typeof found === 'string' ? found : JSON.stringify(found);
}
