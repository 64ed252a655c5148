export { batchWorkflow } from './batch.ts';
export { eventsWorkflow } from './events.ts';
export { itemWorkflow } from './item.ts';
export { scheduledRunWorkflow } from './scheduled-run.ts';
