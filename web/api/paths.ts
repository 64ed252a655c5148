/** Address of a batch in the API, or of something about it. */
export function batchApi(batchId: string, part = ''): string {
  return `/api/batches/${encodeURIComponent(batchId)}${part}`;
}
