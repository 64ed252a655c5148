/** What is said to a model. A schema of the answer is read by it, too, and counted by every vendor. */
interface Said {
  prompt?: unknown;
  system?: unknown;
  negative_prompt?: unknown;
  schema?: unknown;
}

/** Characters of all that is said in one call. */
export function promptChars({ prompt, system, negative_prompt: negative, schema }: Said): number {
  const texts = [prompt, system, negative].map((text) => (typeof text === 'string' ? text.length : 0));
  const ofSchema = typeof schema === 'object' && schema !== null ? JSON.stringify(schema).length : 0;
  return texts.reduce((sum, chars) => sum + chars, ofSchema);
}
