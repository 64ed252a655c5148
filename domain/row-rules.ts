import { isPlain, stepsOf, type Column, type Flow } from './flow.ts';
import { knownColumn, type KnownColumn } from './input-columns.ts';

/** What a flow asks of the rows of its input. */
export interface RowRules {
  /** For messages. */
  flow: string;
  /** Columns that have a meaning in every flow and must not be empty in this one. */
  required: readonly KnownColumn[];
  /** The flow's own columns. */
  columns: readonly Column[];
  /** What rows may say they want: `media_type`. */
  makes: readonly ('image' | 'video')[];
}

/** A flow that names no columns is about prompts, as the flow `image` is. */
export function rowRules(flow: Pick<Flow, 'name' | 'columns' | 'steps'>): RowRules {
  const { name, columns, steps } = flow;
  const kinds = stepsOf({ steps }).map(({ uses }) => uses);
  const known = (columns ?? []).flatMap((column): KnownColumn[] => {
    const meaning = knownColumn(column.name);
    return column.required && meaning !== undefined ? [meaning] : [];
  });
  return {
    flow: name,
    required: columns === undefined ? ['prompt'] : known,
    columns: (columns ?? []).filter((column) => knownColumn(column.name) === undefined),
    makes: [
      ...(kinds.includes('image') || kinds.includes('comfy') ? (['image'] as const) : []),
      // Without templates a row's own model makes what the row asks for: the flow `image` makes videos, too.
      ...(kinds.includes('video') || (isPlain(flow) && kinds.includes('image')) ? (['video'] as const) : []),
    ],
  };
}
