import type { Flow } from './flow.ts';
import type { StagedItem } from './item.ts';

/** What templates see as `item`: the flow's columns, null where empty, and what every row has. */
export function itemScope(
  { columns = [] }: Pick<Flow, 'columns'>,
  item: Omit<StagedItem, 'hash' | 'estimateUsd'>,
): Record<string, unknown> {
  const { id, name, index, prompt, seed, quality, model } = item;
  return {
    ...Object.fromEntries(columns.map((column) => [column.name, null])),
    ...item.fields,
    ...item.data,
    ...{ id, name, index, prompt, seed, quality, model },
    negative_prompt: item.negativePrompt ?? null,
    aspect_ratio: item.aspectRatio,
    from_image: item.fromImage ?? null,
  };
}
