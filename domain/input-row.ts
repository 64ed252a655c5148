import { z } from 'zod';
import { knownColumn, normaliseColumn, type KnownColumn } from './input-columns.ts';
import { aspectRatios, qualities } from './item.ts';

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
    .string({ error: 'is required' })
    .refine((prompt) => /[^\p{C}\p{Z}]/u.test(prompt), { error: 'must not be blank' })
    .pipe(promptText),
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

export type InputRow = z.output<typeof inputRowSchema> & {
  /** Columns Sluice gives no meaning to, by their normalised names. */
  fields: Record<string, string>;
};

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
 */
export function parseInputRow(cells: Iterable<readonly [column: string, value: unknown]>): InputRowResult {
  const known: Partial<Record<KnownColumn, string>> = {};
  const writtenAs: Partial<Record<KnownColumn, string>> = {};
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
      fields.push([name, text]);
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

  if (problems.length > 0) return { ok: false, message: problems.join('; ') };
  const parsed = inputRowSchema.safeParse(known);
  if (parsed.success) return { ok: true, row: { ...parsed.data, fields: Object.fromEntries(fields) } };
  const named = parsed.error.issues.map((issue) => {
    const column = String(issue.path[0]);
    const written = Object.entries(writtenAs).find(([meaning]) => meaning === column);
    return `${written?.[1] ?? column}: ${issue.message}`;
  });
  return { ok: false, message: named.join('; ') };
}
