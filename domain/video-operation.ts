import { z } from 'zod';

/**
 * A video that a vendor was asked for, as it is kept in `operations/<name>.json` from the moment the vendor has
 * taken it until the video is stored: whoever looks next, another worker, a resumed batch or a redrive, waits
 * for that operation and pays for no other one.
 */
const videoOperationSchema = z.object({
  batch_id: z.string(),
  item_id: z.string(),
  /** Of what was asked for: another request is another video. */
  request_hash: z.string(),
  model: z.string(),
  /** The vendor's name of it. */
  operation: z.string(),
  seconds: z.number(),
  /** Parameters as they were sent. */
  request: z.record(z.string(), z.json()),
  /** Run of the item's workflow that asked: what it costs is in that run's row. */
  run_id: z.string(),
  /** ISO 8601, UTC. */
  started_at: z.string(),
});
export type VideoOperation = z.output<typeof videoOperationSchema>;

export const videoOperationPrefix = 'operations/';

export function videoOperationKey(name: string): string {
  return `${videoOperationPrefix}${name}.json`;
}

/** Null for bytes that are none. */
export function parseVideoOperation(text: string): VideoOperation | null {
  try {
    return videoOperationSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** Vendors keep a video for two days; an operation older than this is given up for lost, milliseconds. */
export const videoKeptMs = 47 * 3_600_000;
