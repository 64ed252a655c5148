import { callEstimate, gpuEstimate, gpuKey } from './calls-estimate.ts';
import { estimateFlow, type ChosenModel, type FlowEstimate } from './estimate-flow.ts';
import { isPlain, type Flow } from './flow.ts';
import { itemScope } from './item-scope.ts';
import type { StagedItem } from './item.ts';
import { findModel, type ModelsFile } from './models.ts';
import { promptChars } from './prompt-size.ts';

/**
 * What a staged item is expected to come to.
 *
 * @param gpuClass of the batch, for steps on GPUs that name none
 */
export function estimateItem(
  item: Omit<StagedItem, 'hash' | 'estimateUsd'>,
  { flow, models, gpuClass = 'any' }: { flow: Flow; models: ModelsFile; gpuClass?: string | undefined },
): FlowEstimate {
  const pictures = item.comfy?.count ?? 1;
  if (!isPlain(flow)) {
    const chosen = Object.fromEntries(
      Object.entries(item.models ?? {}).flatMap(([step, key]): [string, ChosenModel][] => {
        const model = findModel(models, key);
        return model === undefined ? [] : [[step, { key, model }]];
      }),
    );
    return estimateFlow({ flow, item: itemScope(flow, item), chosen, models, pictures, gpuClass });
  }
  const model = findModel(models, item.model);
  const { prompt, negativePrompt } = item;
  if (item.comfy !== undefined || model === undefined) return oneCall(gpuKey(gpuClass), gpuEstimate(pictures));
  return oneCall(
    item.model,
    callEstimate(model, { promptChars: promptChars({ prompt, negative_prompt: negativePrompt }) }),
  );
}

function oneCall(key: string, calls: ReturnType<typeof gpuEstimate>): FlowEstimate {
  const { costUsd, seconds } = calls;
  return { costUsd, leastUsd: costUsd, mostUsd: costUsd, models: { [key]: calls }, seconds };
}
