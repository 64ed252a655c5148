import { afterAll, beforeAll, inject } from 'vitest';
import type { GeminiEmulatorOptions } from '../../emulators/gemini/options.ts';
import type { GpuEndpoint } from '../../providers/gpu-pool/types.ts';
import { openNamespace, type TestNamespace } from './namespace.ts';
import { atStart, Rig } from './rig.ts';

/**
 * Opens a namespace with workers for the tests of a file.
 *
 * @param gpus the workers' ComfyUI servers, started before
 */
export function useNamespace(gpus: () => Promise<GpuEndpoint[]> = () => Promise.resolve([])): {
  rig: (emulator?: GeminiEmulatorOptions, model?: string) => Promise<Rig>;
  space: () => TestNamespace;
} {
  let opened: TestNamespace | undefined;
  const rigs: Rig[] = [];
  const space = (): TestNamespace => {
    if (opened === undefined) throw new Error('The namespace is not open.');
    return opened;
  };
  beforeAll(async () => {
    const interceptors = { workflow: [atStart] };
    opened = await openNamespace(inject('temporalAddress'), inject('workflowBundlePath'), interceptors, await gpus());
  });
  afterAll(async () => {
    await Promise.all(rigs.map((rig) => rig.close()));
    await opened?.close();
  });
  return {
    space,
    async rig(emulator, model = space().takeModel()) {
      const made = new Rig(space(), model);
      rigs.push(made);
      await made.emulate(emulator);
      return made;
    },
  };
}
