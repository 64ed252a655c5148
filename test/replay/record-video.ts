import type { WorkflowHandle } from '@temporalio/client';
import { startGeminiEmulator } from '../../emulators/gemini/server.ts';
import { createGeminiProviders } from '../../providers/gemini/providers.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { rows, Rig } from '../support/rig.ts';

/** A video that came to nothing once and was asked for again, looked at several times, and stored. */
export async function recordVideo(
  space: TestNamespace,
  directory: string,
  save: (name: string, handle: WorkflowHandle) => Promise<void>,
): Promise<void> {
  const model = space.takeFilmer();
  const rig = new Rig(space, space.takeModel(), directory);
  const emulator = await startGeminiEmulator({
    ...{ latencyMs: 5, videoMs: 900, videoModels: [model] },
    faults: { rules: [{ fault: 'video_failed', times: 1 }] },
  });
  try {
    space.routeVideo(createGeminiProviders({ apiKey: 'any-key', baseUrl: emulator.url }).video);
    await rig.submit(rows(1).map((row) => ({ ...row, media_type: 'video', video_model: model })));
    await rig.summary();
    await save('item-video', rig.item('a1'));
  } finally {
    await emulator.close();
    await rig.close();
  }
}
