import { z } from 'zod';
import type { Usage } from '../domain/result.ts';
import { ProviderError } from './provider-error.ts';
import { excerpt, parseJson } from './reply-text.ts';
import type { TextRequest, TextResult } from './text-provider.ts';

/** What every vendor's reply comes down to. */
export interface Answer {
  /** As messages call it. */
  vendor: string;
  text: string;
  /** Why it is none that counts, if so. */
  end: 'complete' | 'cut_off' | 'refused';
  /** What the vendor called that, e.g. `content_filter`. */
  reason: string | undefined;
  usage: Usage;
  modelVersion: string | undefined;
  responseId: string | undefined;
}

/**
 * Judges an answer: refused, empty, cut off and unreadable ones become errors that carry what they cost, so
 * that another attempt pays and counts rightly.
 *
 * @throws ProviderError CONTENT_BLOCKED, NO_OUTPUT; INVALID_INPUT for a schema that is none
 */
export function resultOf(answer: Answer, { schema }: TextRequest): TextResult {
  const { vendor, text, end, usage, modelVersion, responseId } = answer;
  const because = answer.reason === undefined ? '' : ` (${answer.reason})`;
  if (end === 'refused') {
    const said = text.trim() === '' ? '.' : `: ${excerpt(text)}`;
    throw new ProviderError('CONTENT_BLOCKED', `${vendor} refused the content${because}${said}`, { usage });
  }
  if (end === 'cut_off') {
    throw new ProviderError('NO_OUTPUT', `${vendor}'s answer was cut off at its greatest length${because}.`, { usage });
  }
  if (text.trim() === '') throw new ProviderError('NO_OUTPUT', `${vendor} sent an empty answer${because}.`, { usage });
  const json = schema === undefined ? undefined : checked(vendor, text, schema, usage);
  return { text, json, usage, modelVersion, responseId };
}

function checked(vendor: string, text: string, schema: NonNullable<TextRequest['schema']>, usage: Usage): unknown {
  let type: z.ZodType;
  try {
    type = z.fromJSONSchema(schema);
  } catch (cause) {
    throw new ProviderError('INVALID_INPUT', 'The schema of the answer is no JSON Schema.', { cause, usage });
  }
  const value = parseJson(unfenced(text));
  if (value === undefined) {
    throw new ProviderError('NO_OUTPUT', `${vendor}'s answer is no JSON: ${excerpt(text)}`, { usage });
  }
  const parsed = type.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'the answer' : issue.path.join('.');
  throw new ProviderError('NO_OUTPUT', `${vendor}'s answer does not match the schema: ${where}: ${issue?.message}`, {
    usage,
  });
}

/** Models that are only asked for JSON like to put it between fences. */
function unfenced(text: string): string {
  return /^\s*```(?:json)?\s*\n([\s\S]*?)\n```\s*$/.exec(text)?.[1] ?? text;
}
