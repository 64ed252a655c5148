import type { z } from 'zod';
import { SluiceError } from '../../domain/errors.ts';

/** Options with their defaults. @throws SluiceError USAGE that names the option. */
export function checkOptions<Schema extends z.ZodType>(schema: Schema, options: z.input<Schema>): z.output<Schema> {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new SluiceError(
    'USAGE',
    `The emulator's ${issue?.path.join('.') || 'options'} cannot be used: ${issue?.message}.`,
  );
}
