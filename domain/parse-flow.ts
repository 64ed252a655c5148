import { checkFlow } from './check-flow.ts';
import {
  flowHeadSchema,
  loopHeadSchema,
  stepSchema,
  toDefinition,
  type EntryInFile,
  type FlowDefinition,
  type FlowHead,
} from './flow-file.ts';
import { problemsOf, type FlowProblem } from './flow-problem.ts';
import type { ModelsFile } from './models.ts';
import { stepOptions } from './step-options.ts';
import { isTemplate } from './template-names.ts';

export type ParsedFlow = { ok: true; definition: FlowDefinition } | { ok: false; problems: FlowProblem[] };

/**
 * Reads a flow out of what its YAML file holds, and finds its mistakes: all fields and values that cannot be; where
 * there are none, all names that lead nowhere, models that do not exist and templates that cannot be read.
 */
export function parseFlow(value: unknown, models: ModelsFile): ParsedFlow {
  const problems: FlowProblem[] = [];
  const head = flowHeadSchema.safeParse(value);
  if (!head.success) problems.push(...problemsOf(head.error.issues));
  // What stands below a mistake is looked at all the same, so that one run shows them all.
  const given = isMap(value) && Array.isArray(value['steps']) ? (value['steps'] as unknown[]) : [];
  const entries = given.map((entry, place) => readEntry(entry, ['steps', place], problems));
  if (!head.success || entries.includes(null)) return { ok: false, problems };
  const known = entries.filter((entry) => entry !== null);
  problems.push(...checkFlow(head.data, known, models), ...checkColumns(head.data));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, definition: toDefinition(head.data, known) };
}

function readEntry(entry: unknown, path: PropertyKey[], problems: FlowProblem[]): EntryInFile | null {
  if (!isMap(entry) || !('repeat' in entry)) return readStep(entry, path, problems);
  const loop = loopHeadSchema.safeParse(entry);
  if (!loop.success) problems.push(...problemsOf(loop.error.issues, path));
  const inside = Array.isArray(entry['steps']) ? (entry['steps'] as unknown[]) : [];
  const steps = inside.map((step, place) => {
    if (!isMap(step) || !('repeat' in step)) return readStep(step, [...path, 'steps', place], problems);
    problems.push({ path: [...path, 'steps', place], rule: 'loops do not nest' });
    return null;
  });
  if (!loop.success || steps.includes(null)) return null;
  return { ...loop.data, steps: steps.filter((step) => step !== null) };
}

function readStep(given: unknown, path: PropertyKey[], problems: FlowProblem[]) {
  const step = stepSchema.safeParse(given);
  if (!step.success) {
    problems.push(...problemsOf(step.error.issues, path));
    return null;
  }
  const { uses, with: options = {} } = step.data;
  const checked = stepOptions[uses].safeParse(options);
  // What a template will give is not known yet.
  const found = checked.success ? [] : problemsOf(checked.error.issues, [...path, 'with']);
  const certain = found.filter(({ path: place }) => !isTemplate(valueAt(options, place.slice(path.length + 1))));
  problems.push(...certain);
  return certain.length > 0 ? null : step.data;
}

function checkColumns({ columns = {} }: FlowHead): FlowProblem[] {
  return Object.entries(columns).flatMap(([name, { required, default: value }]): FlowProblem[] =>
    required && value !== undefined
      ? [{ path: ['columns', name, 'default'], rule: 'is never used: the column is required' }]
      : [],
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
