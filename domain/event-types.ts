/** What is told of a batch and of its items: `batch.*` of the whole, `item.*` of each; and of a schedule. */
export const eventTypes = [
  'batch.started',
  'batch.paused',
  'batch.resumed',
  'batch.notice',
  'batch.escalated',
  'batch.completed',
  'item.succeeded',
  'item.failed',
  'item.waiting',
  'schedule.failed',
] as const;
export type EventType = (typeof eventTypes)[number];

/** Made from the rows of the results. */
export function isRowEvent(type: EventType): boolean {
  return type === 'item.succeeded' || type === 'item.failed';
}

/** Of a target that names none: what is about the whole batch, or a run of a schedule that came to none. */
export const batchEvents: readonly EventType[] = eventTypes.filter((type) => !type.startsWith('item.'));
/** Of people: what they may have to act on, and the end. */
export const peopleEvents: readonly EventType[] = [
  'batch.paused',
  'batch.notice',
  'batch.escalated',
  'batch.completed',
  'item.waiting',
  'schedule.failed',
];
