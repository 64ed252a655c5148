/**
 * Finish reasons that say the content was refused: the same request is refused again.
 *
 * @see https://ai.google.dev/api/generate-content#FinishReason
 */
export const refusals: ReadonlySet<string> = new Set([
  'SAFETY',
  'RECITATION',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
  'SPII',
  'IMAGE_SAFETY',
  'IMAGE_PROHIBITED_CONTENT',
  'IMAGE_RECITATION',
]);
