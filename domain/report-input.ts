import type { BatchSummary } from './batch.ts';
import type { Limits } from './batch-spec.ts';
import type { FailureDigest } from './report-failures.ts';
import type { Tally } from './tally.ts';

/** All that a report tells. */
export interface ReportInput {
  summary: BatchSummary;
  project: string;
  /** What the items were read from, as the user named it. */
  source: string;
  /** The list of rejected rows; null if there is none. */
  rejectedFile: string | null;
  /** As they were at the end. */
  limits: Limits;
  /** All rows of the batch that `summary` covers. */
  tally: Tally;
  /** The last row of every item that failed. */
  failures: FailureDigest;
}
