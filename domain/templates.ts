import { Context, Drop, toValueSync, Value } from 'liquidjs';
import { SluiceError } from './errors.ts';
import { explainTemplateError, templateEngine as engine } from './template-engine.ts';

/** What templates and conditions of a flow see. JSON only, so that a template can do nothing but read. */
export interface TemplateScope {
  /** The row: the flow's columns (null where empty), and id, name, index, prompt, seed and so on. */
  item: Readonly<Record<string, unknown>>;
  parameters: Readonly<Record<string, unknown>>;
  /** Latest record of each step of the flow by its id; null of one that has not run or was left out. */
  steps: Readonly<Record<string, unknown>>;
  /** Inside a loop; the first round is 1. */
  loop?: { round: number };
  batch: { id: string; project: string };
}

/**
 * Renders a text with Liquid templates in it. The same template and scope always give the same text: there is
 * no clock, no randomness, no file and no way to write. A variable that does not exist is an error, but for
 * `if`, `unless`, `case` and the filter `default`; lists and maps are written as JSON.
 *
 * @param place what the template is, for the message, e.g. `steps.draft.with.prompt`
 * @throws SluiceError INVALID_INPUT naming place, line, column and what is wrong
 * @see https://liquidjs.com/tutorials/intro-to-liquid.html (the language)
 */
export function renderTemplate(
  template: string,
  scope: TemplateScope | Readonly<Record<string, string>>,
  place = 'template',
): string {
  return attempt(place, () => String(engine.parseAndRenderSync(template, scope)));
}

/**
 * Renders all texts in a value. A text that is exactly one `{{ … }}` keeps the type of what stands in it, so
 * that numbers, lists and maps can be handed on.
 *
 * @param place what the value is, for the message
 * @throws SluiceError INVALID_INPUT as {@link renderTemplate}
 */
export function renderValue(value: unknown, scope: TemplateScope, place = 'with'): unknown {
  if (typeof value === 'string') {
    const expression = soleExpression(value);
    return expression === null
      ? renderTemplate(value, scope, place)
      : attempt(place, () => evaluate(expression, scope, false) ?? null);
  }
  if (Array.isArray(value)) return value.map((entry, n) => renderValue(entry, scope, `${place}[${n}]`));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, renderValue(entry, scope, `${place}.${key}`)]),
  );
}

/**
 * Whether a condition holds, e.g. `steps.review.passed and loop.round < 3`. As everywhere in Liquid only false
 * and what is not there do not hold; 0 and the empty text do.
 *
 * @param place what the condition is, for the message
 * @throws SluiceError INVALID_INPUT as {@link renderTemplate}
 */
export function holds(condition: string, scope: TemplateScope, place = 'condition'): boolean {
  return attempt(place, () => {
    const value = evaluate(condition, scope, true);
    return value !== false && value !== null && value !== undefined;
  });
}

/** What stands between the braces of a text that is nothing but one `{{ … }}`, in the columns where it stands. */
function soleExpression(text: string): string | null {
  const match = /^(\s*\{\{-?)((?:(?!\}\}|\{\{).)*?)-?\}\}\s*$/s.exec(text);
  return match === null ? null : `${match[1]?.replace(/\S/g, ' ') ?? ''}${match[2] ?? ''}`;
}

function evaluate(expression: string, scope: TemplateScope, lenient: boolean): unknown {
  const value = new Value(expression, engine);
  const context = new Context(scope, engine.options, { sync: true }, { liquid: engine });
  const found: unknown = toValueSync(value.value(context, lenient));
  // Liquid's words for nothing (`nil`, `blank`) are objects of its own.
  return found instanceof Drop ? found.valueOf() : found;
}

function attempt<T>(place: string, render: () => T): T {
  try {
    return render();
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    const { line, column, reason } = explainTemplateError(error);
    throw new SluiceError('INVALID_INPUT', `${place}, line ${line}, column ${column}: ${reason}.`, { cause: error });
  }
}
