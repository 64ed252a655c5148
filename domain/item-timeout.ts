/** What an item fails with (ITEM_TIMEOUT) whose steps took longer than it may. */
export function itemTimeoutMessage(itemTimeoutMs: number): string {
  return `The steps of the item took longer than ${String(itemTimeoutMs / 1_000)} s.`;
}
