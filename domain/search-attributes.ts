/** Type of the workflow of an item, by which items are listed. */
export const itemWorkflowType = 'itemWorkflow';

/**
 * Search attributes by which batches and items are found in Temporal's Web UI; all of type Keyword.
 * `temporal-dev.yaml` registers them; on a server of one's own `sluice doctor` names what is missing.
 */
export const searchAttributeNames = {
  batch: 'SluiceBatch',
  flow: 'SluiceFlow',
  model: 'SluiceModel',
  project: 'SluiceProject',
  state: 'SluiceState',
} as const;
