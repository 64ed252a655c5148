import type { z } from 'zod';
import type { InboxEntry as Asked } from '../../client/inbox.ts';
import type { BatchReply, createdSchema, limitsReplySchema, listReply } from '../../api/batches/schemas.ts';
import type { planSchema } from '../../api/batches/plan-schema.ts';

/** How a batch stands. */
export type BatchDetail = BatchReply;
export type BatchList = z.output<typeof listReply>;
export type BatchEntry = BatchList['data'][number];
export type Limits = z.output<typeof limitsReplySchema>;
export type CreatedBatch = z.output<typeof createdSchema>;
/** What a file would come to. */
export type Plan = z.output<typeof planSchema>;

/** What an item asks a person. */
export type InboxEntry = Omit<Asked, 'path'> & {
  /** Key of the file to look at. */
  artifact: string | null;
};

/** What a person said of a finished item. */
export interface ReviewEntry {
  item_id: string;
  decision: 'approve' | 'reject';
  note: string | null;
  /** `finished_at` of the result that was looked at. */
  result: string;
  at: string;
}

export type { CostRow, Costs } from '../../domain/costs.ts';
export type { ScheduleListEntry } from '../../client/schedule-list.ts';
export type { ScheduleReport } from '../../client/schedule-report.ts';

/** What is told while a batch runs; the rest of what is known of it stays the same. */
export type ProgressEvent = Partial<BatchDetail>;

/** A list that comes whole. */
export interface Listing<T> {
  data: T[];
}

export interface FlowEntry {
  name: string;
}

export interface ModelEntry {
  name: string;
  provider: string;
  kind: string;
  limits: Record<string, number | null>;
}

export interface GpuEntry {
  name: string;
  url: string;
  classes: string[];
  alive: boolean;
  detail: string;
  /** Prompts, whoever sent them; null where the server does not say. */
  running: number | null;
  waiting: number | null;
}
