/** Key of a part: `<prefix>/part-00012.jsonl`. */
export function partKey(prefix: string, part: number): string {
  return `${prefix}/part-${String(part).padStart(5, '0')}.jsonl`;
}
