import { SluiceError } from '../domain/errors.ts';
import { stepsOf, type Flow } from '../domain/flow.ts';
import type { GpuEndpointConfig } from '../domain/gpu-endpoint.ts';
import type { ProviderMode } from '../domain/ids.ts';

/** Throws USAGE when no endpoint serves the class: its items would wait for ever. */
export function assertClass(gpuClass: string, gpus: readonly GpuEndpointConfig[], mode: ProviderMode): void {
  const classes = mode === 'live' ? new Set(gpus.flatMap((gpu) => gpu.classes)) : new Set(['any']);
  if (classes.has(gpuClass)) return;
  throw new SluiceError('USAGE', `No GPU serves the class "${gpuClass}"; there are: ${[...classes].join(', ')}.`, {
    action: 'Give the class to an endpoint under gpus: in the configuration, or choose another one.',
  });
}

/** The same for the classes that steps of a flow name. */
export function assertClasses(flow: Pick<Flow, 'steps'>, gpus: readonly GpuEndpointConfig[], mode: ProviderMode): void {
  for (const { gpuClass } of stepsOf(flow)) if (gpuClass !== undefined) assertClass(gpuClass, gpus, mode);
}
