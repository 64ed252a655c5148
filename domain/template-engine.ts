import { Liquid, LiquidError } from 'liquidjs';

/** Others read files, or write into the scope. */
const removedTags = ['include', 'render', 'layout', 'block', 'increment', 'decrement'];
/** Random. */
const removedFilters = ['sample'];
const dateFilters = ['date', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string', 'date_to_long_string'];

/** Liquid without what is not pure; see docs/decisions/2026-11-25-liquid-in-domain.md. */
export const templateEngine = createEngine();

function createEngine(): Liquid {
  const liquid = new Liquid({
    strictFilters: true,
    strictVariables: true,
    // `{% if steps.review %}` and `| default:` are how a template asks whether something is there.
    lenientIf: true,
    ownPropertyOnly: true,
    // `(steps.draft.text | number_of_words) >= 500`
    groupedExpressions: true,
    outputEscape: toText,
    timezoneOffset: 0,
    locale: 'en-US',
    parseLimit: 1_000_000,
    memoryLimit: 50_000_000,
    // Only ends what would not end by itself; what is rendered never depends on it.
    renderLimit: 10_000,
  });
  for (const name of removedTags) Reflect.deleteProperty(liquid.tags, name);
  for (const name of removedFilters) liquid.unregisterFilter(name);
  for (const name of dateFilters) {
    const filter = liquid.filters[name];
    if (typeof filter !== 'function') continue;
    liquid.registerFilter(name, function (value: unknown, ...options: unknown[]) {
      if (value === 'now' || value === 'today') throw new Error(`there is no clock here: "${value}" is not a date`);
      return filter.call(this, value, ...options) as unknown;
    });
  }
  return liquid;
}

/** Lists and maps as JSON, which models read and write. */
function toText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === null || value === undefined ? '' : JSON.stringify(value);
}

/** A mistake in a template: what is wrong, and where in its text, one-based. */
export interface TemplateMistake {
  line: number;
  column: number;
  reason: string;
}

/** Says what Liquid throws without the words Liquid wraps it in. */
export function explainTemplateError(error: unknown): TemplateMistake {
  const [line = 1, column = 1] = LiquidError.is(error) ? error.token.getPosition() : [];
  let inner = error;
  while (LiquidError.is(inner) && inner.originalError !== undefined) inner = inner.originalError;
  const message = inner instanceof Error ? inner.message : String(inner);
  return { line, column, reason: message.replace(/, line:\d+, col:\d+$/, '').replace(/(?:\s|\\n)+/g, ' ') };
}
