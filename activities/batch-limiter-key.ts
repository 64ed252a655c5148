/** Key of the limiter under which all calls of a batch are. */
export function batchLimiterKey(batchId: string): string {
  return `batch:${batchId}`;
}
