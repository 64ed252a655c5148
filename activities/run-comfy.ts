import { SluiceError } from '../domain/errors.ts';
import type { ItemOutcome, ResultRow } from '../domain/result.ts';
import { createItemActivity } from './attempt.ts';
import { BatchSizes } from './batch-sizes.ts';
import { readGraph } from './comfy-prompt.ts';
import { LostPrompts } from './lost-prompts.ts';
import { makeShare, type MakeShareDeps } from './make-share.ts';
import { readPictureStates } from './picture-states.ts';
import { Refusals } from './refusals.ts';
import type { ItemInput } from './types.ts';

export type RunComfyDeps = MakeShareDeps;

/**
 * Makes an item's pictures on ComfyUI servers: share by share (a prompt makes as many as the GPU holds),
 * each stored before the next begins. What storage has already is left as it is.
 */
export function createRunComfy(deps: RunComfyDeps): (input: ItemInput) => Promise<ItemOutcome> {
  const tools = { deps, sizes: new BatchSizes(), lost: new LostPrompts(), refusals: new Refusals() };
  return createItemActivity(
    deps,
    () => () => 0,
    async (attempt) => {
      const { item, store, input, log } = attempt;
      const work = item.comfy;
      if (work === undefined) throw new SluiceError('INPUT_CORRUPT', `The item ${item.id} names no graph.`);
      const graph = await readGraph(store, work);
      const pictures = await readPictureStates(store, input.batchId, item);
      let row: ResultRow | null = null;
      for (const [place, { row: stored }] of pictures.entries()) {
        row = stored;
        if (row !== null) continue;
        row = await makeShare(tools, attempt, { work, graph, pictures }, place);
        log.prompt = null;
      }
      if (row === null) throw new SluiceError('INPUT_CORRUPT', `The item ${item.id} asks for no picture.`);
      return row;
    },
  );
}
