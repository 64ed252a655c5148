import type { FlowHead } from './flow-file.ts';
import type { FlowProblem } from './flow-problem.ts';
import type { StepKind } from './flow.ts';
import { namesInCondition, namesInTemplate, type TemplateName } from './template-names.ts';

/** What the templates at a place of a flow can see. */
export interface NameSpace {
  head: FlowHead;
  /** Steps whose records are there. */
  steps: Map<string, { id: string; uses: StepKind; with?: Record<string, unknown> | undefined }>;
  /** Ids of steps that exist but have not run yet. */
  later: readonly string[];
  inLoop: boolean;
}

/** Of every row, whatever its flow. */
const rowNames = [
  'id',
  'name',
  'index',
  'prompt',
  'negative_prompt',
  'seed',
  'quality',
  'aspect_ratio',
  'from_image',
  'model',
];

/** Of the record of every step, and by its kind. */
const recordNames = ['step', 'round', 'model', 'calls', 'usage', 'cost_usd', 'seconds', 'cached_from', 'finished_at'];
const namesByKind: Record<StepKind, readonly string[]> = {
  text: ['text', 'path'],
  image: ['path'],
  video: ['path'],
  comfy: ['path'],
  check: ['passed', 'failures'],
  approve: ['approved', 'passed', 'answer', 'text'],
  export: ['path'],
  http: ['answer'],
};

/** Mistakes in a text of a flow: of the language, and names that lead nowhere. */
export function checkTexts(
  text: string,
  path: readonly PropertyKey[],
  scope: NameSpace,
  { condition }: { condition: boolean },
): FlowProblem[] {
  const found = condition ? namesInCondition(text) : namesInTemplate(text);
  if (!found.ok) {
    const { reason, line, column } = found.mistake;
    return [{ path, rule: reason, at: { line, column } }];
  }
  return found.names.flatMap((name) => {
    const rule = ruleBroken(name, scope);
    return rule === null ? [] : [{ path, rule, at: { line: name.line, column: name.column } }];
  });
}

function ruleBroken({ path: [root, second, third] }: TemplateName, scope: NameSpace): string | null {
  switch (root) {
    case 'item':
      return missing('item', second, [...Object.keys(scope.head.columns ?? {}), ...rowNames], 'column');
    case 'parameters':
      return missing('parameters', second, Object.keys(scope.head.parameters), 'parameter');
    case 'batch':
      return missing('batch', second, ['id', 'project'], 'field');
    case 'loop':
      return scope.inLoop ? missing('loop', second, ['round'], 'field') : 'loop: there is no loop around this step';
    case 'steps':
      return stepRule(second, third, scope);
    default:
      return `there is no "${String(root)}": names begin with item, parameters, steps, loop or batch`;
  }
}

function stepRule(id: unknown, field: unknown, { steps, later }: NameSpace): string | null {
  if (typeof id !== 'string') return null;
  const step = steps.get(id);
  if (step === undefined) {
    const rule = later.includes(id) ? `steps.${id}: does not come before this step` : `there is no step "${id}"`;
    return steps.size === 0 ? rule : `${rule}; before it come: ${[...steps.keys()].join(', ')}`;
  }
  if (typeof field !== 'string') return null;
  if (step.uses === 'text' && field === 'json') {
    return step.with?.['schema'] === undefined ? `steps.${id}.json: the step has no schema` : null;
  }
  const there = [...namesByKind[step.uses], ...(step.uses === 'text' && step.with?.['schema'] ? ['json'] : [])];
  return [...there, ...recordNames].includes(field)
    ? null
    : `steps.${id}.${field}: a step that uses ${step.uses} has: ${there.join(', ')}`;
}

function missing(root: string, name: unknown, there: readonly string[], what: string): string | null {
  // In brackets, known only when it is rendered.
  if (name === undefined || (typeof name === 'string' && there.includes(name))) return null;
  const list = there.length === 0 ? 'there are none' : `there are: ${there.join(', ')}`;
  return `${root}.${typeof name === 'string' ? name : JSON.stringify(name)}: there is no such ${what}; ${list}`;
}
