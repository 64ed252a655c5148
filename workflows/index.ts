export { batchWorkflow } from './batch.ts';
export { itemWorkflow } from './item.ts';
export { scheduledRunWorkflow } from './scheduled-run.ts';
