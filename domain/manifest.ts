import { z } from 'zod';

/** `manifest.json`: which parts of the results exist and what is in them, kept up while the batch runs. */
export const manifestSchema = z.object({
  version: z.literal(1),
  batch_id: z.string(),
  status: z.string(),
  total: z.int(),
  finished: z.int(),
  pending: z.int(),
  /** Parts of `results/`, each listed under every status it has rows of. */
  succeeded: z.array(z.object({ key: z.string(), rows: z.int() })),
  failed: z.array(z.object({ key: z.string(), rows: z.int() })),
  cancelled: z.array(z.object({ key: z.string(), rows: z.int() })),
});
export type Manifest = z.output<typeof manifestSchema>;

export const manifestKey = 'manifest.json';
