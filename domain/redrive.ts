import type { Flow } from './flow.ts';

/**
 * Checks a redrive's selector without zod, because it runs inside the workflow, where anybody may send
 * anything from the Web UI. Returns what is wrong, naming field and rule, or null. No selector is all that failed.
 */
export function selectorProblem(selector: unknown, flow: Pick<Flow, 'name' | 'parameters'>): string | null {
  if (selector === undefined || selector === null) return null;
  if (typeof selector !== 'object' || Array.isArray(selector))
    return 'selector: must be an object with codes, itemIds, model, parameters';
  for (const [field, value] of Object.entries(selector)) {
    if (field === 'select') {
      if (value === 'rejected' && !('itemIds' in selector)) return 'itemIds: rejected items are named';
      continue;
    }
    if (field === 'model') {
      if (typeof value !== 'string' || value === '') return 'model: must be the name of a model';
      continue;
    }
    if (field === 'parameters') {
      const problem = parametersProblem(value, flow);
      if (problem !== null) return problem;
      continue;
    }
    if (field !== 'codes' && field !== 'itemIds') {
      return `${field}: is not a selector (codes, itemIds, model, parameters are)`;
    }
    const isList = Array.isArray(value) && value.every((entry) => typeof entry === 'string');
    if (!isList) return `${field}: must be a list of strings`;
  }
  return null;
}

function parametersProblem(
  value: unknown,
  { name, parameters = {} }: Pick<Flow, 'name' | 'parameters'>,
): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'parameters: must be an object';
  const known = Object.keys(parameters);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return null;
  const there = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`;
  return `parameters.${unknown}: is no parameter of the flow ${name} (${there})`;
}
