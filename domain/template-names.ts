import { TypeGuards, Value, type Expression, type Variable } from 'liquidjs';
import { explainTemplateError, templateEngine, type TemplateMistake } from './template-engine.ts';

/** A name that a template reads, e.g. `steps.draft.text`, and where it stands in it, one-based. */
export interface TemplateName {
  path: readonly (string | number)[];
  line: number;
  column: number;
}

export type TemplateNames = { ok: true; names: TemplateName[] } | { ok: false; mistake: TemplateMistake };

/** Whether a value is a text that holds Liquid. */
export function isTemplate(value: unknown): boolean {
  return typeof value === 'string' && /\{\{|\{%/.test(value);
}

const before = '{% if ';

/** What a template reads from outside of itself: found without rendering it. */
export function namesInTemplate(template: string): TemplateNames {
  try {
    const { globals } = templateEngine.parseAndAnalyzeSync(template, undefined, { partials: false });
    return { ok: true, names: Object.values(globals).flat().map(nameOf) };
  } catch (error) {
    return { ok: false, mistake: explainTemplateError(error) };
  }
}

/** What a condition reads. */
export function namesInCondition(condition: string): TemplateNames {
  const refuse = (reason: string, column = 1): TemplateNames => ({ ok: false, mistake: { line: 1, column, reason } });
  const brace = /\{\{|\{%|%\}|\}\}/.exec(condition);
  if (brace !== null) return refuse('a condition is written without braces', brace.index + 1);
  const single = /[^=!<>]=(?!=)/.exec(condition.replace(/"[^"]*"|'[^']*'/g, (quoted) => '_'.repeat(quoted.length)));
  if (single !== null) return refuse('"=" compares nothing: write "=="', single.index + 2);
  try {
    const { initial } = new Value(condition, templateEngine);
    // Liquid takes what is missing beside an operator for nil.
    let operands = 0;
    for (const token of initial.postfix)
      operands += TypeGuards.isOperatorToken(token) ? operandChange(token.operator) : 1;
    if (operands !== 1) return refuse('a value is missing beside an operator');
    const unknown = unknownFilter(initial);
    if (unknown !== null) return refuse(`undefined filter: ${unknown.name}`, unknown.begin + 1);
  } catch (error) {
    return { ok: false, mistake: explainTemplateError(error) };
  }
  const found = namesInTemplate(`${before}${condition}%}{% endif %}`);
  if (!found.ok) return found;
  const names = found.names.map((name) => (name.line > 1 ? name : { ...name, column: name.column - before.length }));
  return { ok: true, names };
}

/** A filter in parentheses that does not exist: Liquid finds it only when it gets there. */
function unknownFilter({ postfix }: Expression): { name: string; begin: number } | null {
  for (const token of postfix) {
    if (!TypeGuards.isFilteredValueToken(token)) continue;
    const found =
      token.filters.find(({ name }) => !Object.hasOwn(templateEngine.filters, name)) ?? unknownFilter(token.initial);
    if (found !== null) return found;
  }
  return null;
}

function operandChange(operator: string): number {
  return operator === 'not' ? 0 : -1;
}

function nameOf({ segments, location }: Variable): TemplateName {
  // What stands in brackets is known only when it is rendered; names in it are found by themselves.
  const path: (string | number)[] = [];
  for (const segment of segments) {
    if (typeof segment === 'object') break;
    path.push(segment);
  }
  return { path, line: location.row, column: location.col };
}
