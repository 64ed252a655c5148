/** By what the ledger adds up. A file of its own, so that `--help` loads no schemas. */
export const costGroups = ['day', 'project', 'batch', 'model'] as const;
export type CostGroup = (typeof costGroups)[number];
