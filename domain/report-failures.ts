import type { ErrorCode } from './errors.ts';
import type { ResultRow } from './result.ts';

/** One line of the report's table of failed items. */
interface FailedItem {
  requestId: string;
  code: ErrorCode;
  message: string;
  model: string;
  calls: number;
}

/** The failed items of a batch as its report shows them: all counted, the first ones kept. */
export interface FailureDigest {
  total: number;
  /** In order of first appearance. */
  byCode: { code: ErrorCode; count: number }[];
  /** At most 50. */
  first: FailedItem[];
}

const maxListed = 50;

export function emptyFailureDigest(): FailureDigest {
  return { total: 0, byCode: [], first: [] };
}

/** Adds an item's last result to the digest, in place, if it is a failure. */
export function addFailure(digest: FailureDigest, row: ResultRow): void {
  if (row.status !== 'failed') return;
  const code = row.error_code ?? 'INTERNAL';
  digest.total += 1;
  const known = digest.byCode.find((entry) => entry.code === code);
  if (known === undefined) digest.byCode.push({ code, count: 1 });
  else known.count += 1;
  if (digest.first.length < maxListed) {
    const { request_id: requestId, error_message: message, model, calls } = row;
    digest.first.push({ requestId, code, message: message ?? '', model, calls });
  }
}
