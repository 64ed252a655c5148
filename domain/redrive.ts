/**
 * Checks a redrive's selector without zod, because it runs inside the workflow, where anybody may send
 * anything from the Web UI. Returns what is wrong, naming field and rule, or null. No selector is all that failed.
 */
export function selectorProblem(selector: unknown): string | null {
  if (selector === undefined || selector === null) return null;
  if (typeof selector !== 'object' || Array.isArray(selector)) return 'selector: must be an object with codes, itemIds';
  for (const [field, value] of Object.entries(selector)) {
    if (field === 'select') continue;
    if (field !== 'codes' && field !== 'itemIds') return `${field}: is not a selector (codes, itemIds are)`;
    const isList = Array.isArray(value) && value.every((entry) => typeof entry === 'string');
    if (!isList) return `${field}: must be a list of strings`;
  }
  return null;
}
