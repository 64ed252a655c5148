/** Whether a batch is still under way: it can be told something, and its figures change. */
export function isOpen({ status }: { status: string }): boolean {
  return ['running', 'waiting', 'paused'].includes(status);
}
