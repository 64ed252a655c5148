/** From the first to the last; `urgent` is another name for `critical`. */
export const priorities = ['critical', 'urgent', 'high', 'normal', 'low'] as const;
export type PriorityName = (typeof priorities)[number];

/**
 * Temporal's priority key of a name: 1 first, 5 last; 3 is what a task has that names none.
 *
 * @see https://docs.temporal.io/task-queue-priority
 */
export function priorityKey(name: PriorityName): number {
  return { critical: 1, urgent: 1, high: 2, normal: 3, low: 4 }[name];
}

/** How much a batch is in a hurry. */
export interface Urgency {
  priority: PriorityName;
  /** When it is to be done, ISO 8601. */
  deadline?: string | undefined;
}

const hourMs = 3_600_000;

/**
 * The priority at a moment: what was given, raised as the deadline nears: to `high` three days before it, to
 * `critical` a day before it, and from then on.
 */
export function priorityAt({ priority, deadline }: Urgency, nowMs: number): PriorityName {
  if (deadline === undefined) return priority;
  const leftMs = Date.parse(deadline) - nowMs;
  const byDeadline = leftMs < 24 * hourMs ? 'critical' : leftMs < 72 * hourMs ? 'high' : 'low';
  return priorityKey(byDeadline) < priorityKey(priority) ? byDeadline : priority;
}

export function priorityKeyAt(urgency: Urgency, nowMs: number): number {
  return priorityKey(priorityAt(urgency, nowMs));
}

/**
 * Temporal's fairness key of a project, for servers that have `matching.enableFairness`: at most 64 bytes.
 *
 * @see https://docs.temporal.io/develop/task-queue-priority-fairness
 */
export function fairnessKey(project: string): string {
  const isShort = project.length <= 64 && [...project].every((letter) => letter <= '\u007f');
  // A character has at most four bytes in UTF-8.
  return isShort ? project : [...project].slice(0, 16).join('');
}
