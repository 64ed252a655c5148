export { batchWorkflow } from './batch.ts';
export { itemWorkflow } from './item.ts';
