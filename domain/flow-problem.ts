import type { z } from 'zod';

/** A mistake in a flow file. */
export interface FlowProblem {
  /** Where in the file, from its top. */
  path: readonly PropertyKey[];
  /** What is wrong, after the name of the field. */
  rule: string;
  /** Of mistakes inside a template: where in its text, one-based. */
  at?: { line: number; column: number };
}

/** Findings of zod, in words of a file and not of a schema. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], path: readonly PropertyKey[] = []): FlowProblem[] {
  return issues.flatMap((issue): FlowProblem[] => {
    const place = [...path, ...issue.path];
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...place, key], rule: 'is not a field here' }));
    }
    if (issue.code === 'invalid_key') return [{ path: place, rule: issue.issues[0]?.message ?? issue.message }];
    if (issue.code === 'invalid_union') {
      // Of the forms a value may have, the one it comes nearest to: which was understood deepest.
      const depth = (one: readonly z.core.$ZodIssue[]): number => Math.max(...one.map((found) => found.path.length));
      const nearest = issue.errors.toSorted((a, b) => depth(b) - depth(a))[0] ?? [];
      if (nearest.length > 0 && depth(nearest) > 0) return problemsOf(nearest, place);
      return [{ path: place, rule: 'has none of the forms it may have' }];
    }
    // What was given is in no issue but in its words.
    if (issue.code === 'invalid_type' && issue.message.endsWith(' received undefined')) {
      return [{ path: place, rule: 'is required' }];
    }
    return [{ path: place, rule: lower(issue.message) }];
  });
}

function lower(message: string): string {
  return message
    .replace(/^Invalid input: /, '')
    .replace('expected record', 'expected object')
    .replace(/^[A-Z](?=[a-z])/, (first) => first.toLowerCase());
}
