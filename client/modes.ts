import { SluiceError } from '../domain/errors.ts';
import { usesComfy, type Flow } from '../domain/flow.ts';
import type { ProviderMode } from '../domain/ids.ts';

/** What the work of this process would use. */
export interface Modes {
  /** Calls to models. */
  mode: ProviderMode;
  /** Work for GPUs. */
  gpuMode: ProviderMode;
}

export function modeOf(flow: Flow, { mode, gpuMode }: Modes): ProviderMode {
  return usesComfy(flow) ? gpuMode : mode;
}

/** Throws when a batch that was run for real could now only be emulated: it never changes sides. */
export function assertServed(flow: Flow, batchMode: ProviderMode, modes: Modes): void {
  if (batchMode === 'emulated' || modeOf(flow, modes) === 'live') return;
  if (usesComfy(flow)) {
    throw new SluiceError('CONFIG_INVALID', 'This batch was run on GPUs, and no gpus are configured now.', {
      action: 'Add them to gpus: in the configuration and run again.',
    });
  }
  throw new SluiceError('AUTH', 'This batch was run with Gemini itself, and there is no GEMINI_API_KEY now.', {
    action: 'Set GEMINI_API_KEY and run again.',
  });
}
