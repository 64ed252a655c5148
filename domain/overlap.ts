/** What becomes of a run whose time has come while an earlier one is under way. */
export const overlapPolicies = [
  'skip',
  'buffer-one',
  'buffer-all',
  'cancel-other',
  'terminate-other',
  'allow-all',
] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];
