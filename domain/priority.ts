/** From the first to the last. */
export const priorities = ['urgent', 'high', 'normal', 'low'] as const;
export type PriorityName = (typeof priorities)[number];

/**
 * Temporal's priority key of a name: 1 first, 5 last; 3 is what a task has that names none.
 *
 * @see https://docs.temporal.io/task-queue-priority
 */
export function priorityKey(name: PriorityName): number {
  return { urgent: 1, high: 2, normal: 3, low: 4 }[name];
}
