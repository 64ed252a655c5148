import { z } from 'zod';
import { costGroups, type CostGroup } from './cost-groups.ts';
import type { ProviderMode } from './ids.ts';

const day = z.iso.date({ error: 'must be a day, e.g. 2026-11-25' });

/** What is asked of the ledger. Days are days of UTC, both ends included. */
export const costQuerySchema = z
  .strictObject({
    by: z.enum(costGroups).default('day'),
    since: day.optional(),
    until: day.optional(),
    project: z.string().min(1).optional(),
  })
  .prefault({});
export type CostQuery = z.output<typeof costQuerySchema>;
export type CostQueryInput = z.input<typeof costQuerySchema>;

/** What was called and spent. Snake case because commands and the REST API print it. */
export interface CostSums {
  calls: number;
  input_tokens: number;
  output_tokens: number;
  images: number;
  cost_usd: number;
  /**
   * Of that, what was reserved for calls whose worker died before it could say what they cost: whether
   * the provider charged for them is not known, so they count in full.
   */
  presumed_usd: number;
}

export interface CostRow extends CostSums {
  /** The day, project, batch or model. */
  key: string;
  /** `emulated`: what it would have cost. */
  mode: ProviderMode;
}

export interface Costs {
  by: CostGroup;
  /** In order of their keys; live ones first. */
  rows: CostRow[];
  /** Money: of live rows alone. */
  total: CostSums;
  emulated: CostSums;
  /** Reserved for live calls under way. */
  reserved_usd: number;
}
