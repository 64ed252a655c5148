import type { BatchState, RedriveSelector } from '../domain/batch.ts';

/** Items made again at once because they were rejected: their ids are carried from run to run. */
const mostRemaking = 2_000;

/** Why a run of a batch can take no redrive now, or null. */
export function redriveProblemOf(
  state: BatchState,
  selector: RedriveSelector | undefined,
  { closed, redriving }: { closed: boolean; redriving: boolean },
): string | null {
  if (closed || state.ending !== null) return 'The batch is ending; retry its items when it has closed.';
  if (selector?.select === 'rejected') {
    const remaking = (state.remaking?.length ?? 0) + (selector.itemIds?.length ?? 0);
    return remaking > mostRemaking ? 'Too many rejected items are being made again; wait for some to end.' : null;
  }
  if (redriving || state.redriveOpen > 0) return 'An earlier retry is still under way; wait for it to end.';
  return null;
}

/** What is selected within a run: what failed in it, or of the items named those that were rejected since. */
export function selectorWithin(state: BatchState, selector: RedriveSelector | undefined): RedriveSelector {
  if (selector?.select !== 'rejected') return { ...selector, select: 'failed' };
  const remaking = new Set(state.remaking);
  return { ...selector, itemIds: (selector.itemIds ?? []).filter((id) => !remaking.has(id)) };
}
