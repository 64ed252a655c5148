import type { z } from 'zod';
import { SluiceError } from '../domain/errors.ts';
import { renderValue } from '../domain/templates.ts';
import type { Attempt } from './attempt.ts';

/** The step's `with`, rendered and checked. Throws INVALID_INPUT naming the place and the rule. */
export function readStepOptions<Schema extends z.ZodType>(
  { scope, input: { step } }: Attempt,
  schema: Schema,
): z.output<Schema> {
  const place = `steps.${step.id}.with`;
  const given = step.with ?? {};
  const parsed = schema.safeParse(scope === null ? given : renderValue(given, scope, place));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = [place, ...(issue?.path ?? [])].join('.');
  throw new SluiceError('INVALID_INPUT', `${where}: ${issue?.message ?? 'is not valid'}`);
}
