import { z } from 'zod';
import { knownColumn, normaliseColumn, type KnownColumn } from './input-columns.ts';
import { readValue, type JsonValue } from './flow-values.ts';
import { aspectRatios, qualities } from './item.ts';
import { rowRules, type RowRules } from './row-rules.ts';

/** Longest prompt and negative prompt, in UTF-16 units as JavaScript counts them. */
const maxPromptChars = 32_000;
const maxIdChars = 200;

const got = (input: unknown): string => {
  const text = String(input);
  return `(got "${text.length > 60 ? `${text.slice(0, 60)}…` : text}")`;
};

/** Spreadsheets read `16:9` as a time of day and save `16:09` or `16:09:00`; both still mean 16:9. */
function undoTimeOfDay(text: string): string {
  const time = /^0?(\d{1,2})\s*:\s*0?(\d{1,2})(?::00)?$/.exec(text);
  return time === null ? text : `${time[1]}:${time[2]}`;
}

const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: (issue) => `must be one of ${values.join(', ')} ${got(issue.input)}` });

const promptText = z.string().max(maxPromptChars, {
  error: (issue) =>
    `must be at most ${maxPromptChars} characters (got ${typeof issue.input === 'string' ? issue.input.length : '?'})`,
});

/** One row by its meaning: text as the file has it, trimmed; an empty cell is an absent one. */
const inputRowSchema = z.strictObject({
  /** Becomes part of workflow ids and URLs. */
  id: z
    .string()
    .max(maxIdChars, { error: `must be at most ${maxIdChars} characters` })
    .refine((id) => !/[\p{C}/]/u.test(id) && id !== '.' && id !== '..', {
      error: (issue) => `must be printable characters without "/" ${got(issue.input)}`,
    })
    .optional(),
  prompt: z
    .string()
    .refine((prompt) => /[^\p{C}\p{Z}]/u.test(prompt), { error: 'must not be blank' })
    .pipe(promptText)
    .optional(),
  output_name: z.string().optional(),
  /** Tools that keep whole numbers as floats write `42.0`. */
  seed: z
    .string()
    .regex(/^\d{1,10}(?:\.0+)?$/, {
      error: (issue) => `must be a whole number from 0 to 2147483647 ${got(issue.input)}`,
    })
    .transform(Number)
    .refine((seed) => seed <= 2_147_483_647, {
      error: (issue) => `must be a whole number from 0 to 2147483647 ${got(issue.input)}`,
    })
    .optional(),
  quality: z.string().toLowerCase().pipe(oneOf(qualities)).optional(),
  aspect_ratio: z.string().transform(undoTimeOfDay).pipe(oneOf(aspectRatios)).optional(),
  negative_prompt: promptText.optional(),
  /** An http(s) URL, or a path relative to the input file. */
  from_image: z
    .string()
    .refine((source) => !/^[a-z][a-z0-9+.-]+:\/\//i.test(source) || /^https?:\/\/[^\s/]/i.test(source), {
      error: (issue) => `must be an http or https URL, or a path ${got(issue.input)}`,
    })
    .optional(),
  media_type: z
    .string()
    .toLowerCase()
    .pipe(oneOf(['image', 'video']))
    .optional(),
  image_model: z.string().optional(),
  video_model: z.string().optional(),
});

export type InputRow = Omit<z.output<typeof inputRowSchema>, 'prompt'> & {
  /** Empty where the flow does without. */
  prompt: string;
  /** Columns neither Sluice nor the flow gives a meaning to, by their normalised names. */
  fields: Record<string, string>;
  /** The flow's own columns; null where empty. */
  data?: Record<string, JsonValue>;
};

const imageRules = rowRules({ name: 'image', steps: [{ id: 'image', uses: 'image' }] });

export type InputRowResult = { ok: true; row: InputRow } | { ok: false; message: string };

/** What makes a text unusable wherever it stands; undefined: nothing. */
function textProblem(text: string): string | undefined {
  if (text.includes('\0')) return 'must not hold a NUL character';
  if (text.includes('\ufffd')) return 'holds characters that were damaged (U+FFFD): check the encoding of the file';
  return text.isWellFormed() ? undefined : 'holds half a surrogate pair, which is not text';
}

function cellText(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  const text = (typeof value === 'string' ? value : JSON.stringify(value)).trim();
  return text === '' ? undefined : text;
}

/**
 * Reads one row by its columns. Every problem of the row is named, `field: rule`, joined by `; `.
 *
 * @param cells column names as the file has them, with text (CSV) or any JSON value (JSONL).
 * Two names of one column are fine as long as their values agree.
 * @param rules what the flow asks of its rows
 */
export function parseInputRow(
  cells: Iterable<readonly [column: string, value: unknown]>,
  rules: RowRules = imageRules,
): InputRowResult {
  const known: Partial<Record<KnownColumn, string>> = {};
  const writtenAs: Partial<Record<KnownColumn, string>> = {};
  const own = new Map<string, unknown>();
  const fields: [string, string][] = [];
  const problems: string[] = [];

  for (const [column, value] of cells) {
    const text = cellText(value);
    if (text === undefined) continue;
    const name = normaliseColumn(column);
    const problem = textProblem(text);
    if (problem !== undefined) problems.push(`${name}: ${problem}`);
    const meaning = knownColumn(name);
    if (meaning === undefined) {
      if (rules.columns.some((declared) => declared.name === name))
        own.set(name, typeof value === 'string' ? text : value);
      else fields.push([name, text]);
      continue;
    }
    if (typeof value === 'object') problems.push(`${name}: must be text or a number`);
    const earlier = known[meaning];
    if (earlier !== undefined && earlier !== text) {
      problems.push(`${writtenAs[meaning]} and ${name} mean the same and differ: ${got(earlier)} and ${got(text)}`);
    }
    known[meaning] = text;
    writtenAs[meaning] = name;
  }

  const data = readOwn(own, rules, problems);
  if (problems.length > 0) return { ok: false, message: problems.join('; ') };
  const parsed = inputRowSchema.safeParse(known);
  const missing = rules.required.filter((column) => known[column] === undefined);
  const named = [
    ...missing.map((column) => ({ column: column, message: 'is required' })),
    ...(parsed.success ? [] : parsed.error.issues.map(({ path, message }) => ({ column: String(path[0]), message }))),
    ...mediaProblems(known.media_type, rules),
  ];
  if (!parsed.success || named.length > 0) {
    const messages = named.map(({ column, message }) => `${writtenAs[column as KnownColumn] ?? column}: ${message}`);
    return { ok: false, message: messages.join('; ') };
  }
  const { prompt = '', ...row } = parsed.data;
  const columns = rules.columns.length === 0 ? {} : { data };
  return { ok: true, row: { ...row, prompt, fields: Object.fromEntries(fields), ...columns } };
}

/** The flow's own columns by their types; what is wrong with them is added to `problems`. */
function readOwn(
  given: ReadonlyMap<string, unknown>,
  { columns }: RowRules,
  problems: string[],
): Record<string, JsonValue> {
  const data: Record<string, JsonValue> = {};
  for (const { name, type, required, default: value = null } of columns) {
    if (!given.has(name)) {
      if (required) problems.push(`${name}: is required`);
      data[name] = value as JsonValue;
      continue;
    }
    const read = readValue(type, given.get(name));
    if (read.ok) data[name] = read.value;
    else problems.push(`${name}: ${read.rule}`);
  }
  return data;
}

function mediaProblems(wanted: string | undefined, { flow, makes }: RowRules): { column: string; message: string }[] {
  const type = wanted?.toLowerCase();
  if (type !== 'image' && type !== 'video') return [];
  if (makes.length === 0 || makes.includes(type)) return [];
  const made = makes.map((one) => `${one}s`).join(' and ');
  return [{ column: 'media_type', message: `flow "${flow}" makes ${made} only (got "${type}")` }];
}
