/** What one call takes. */
export interface Cost {
  tokens: number;
  images: number;
}

/** null or absent: no such limit. Rates hold in any rolling 60 seconds. */
export interface Limits {
  requestsPerMinute?: number | null;
  tokensPerMinute?: number | null;
  imagesPerMinute?: number | null;
  /** Calls under way at once. */
  concurrency?: number | null;
}

/** What the window of a key holds. */
export interface Used extends Cost {
  requests: number;
}

/**
 * What has to leave the window before a call of this cost fits; all zero: it fits now. A call that is
 * larger than a whole limit waits for an empty window and then goes alone, instead of for ever.
 */
export function excess(limits: Limits, used: Used, cost: Cost): Used {
  return {
    requests: over(limits.requestsPerMinute, used.requests, 1),
    tokens: over(limits.tokensPerMinute, used.tokens, cost.tokens),
    images: over(limits.imagesPerMinute, used.images, cost.images),
  };
}

function over(limit: number | null | undefined, used: number, cost: number): number {
  // A call that takes none of it is not held up by it.
  if (limit === null || limit === undefined || cost === 0) return 0;
  return Math.max(0, Math.min(used, used + cost - limit));
}

/** The largest part of any limit that a call takes; where nothing but calls at once is limited, each takes as much. */
export function shareOf(limits: Limits, cost: Cost): number {
  const { requestsPerMinute, tokensPerMinute, imagesPerMinute } = limits;
  const shares = [
    part(1, requestsPerMinute),
    part(cost.tokens, tokensPerMinute),
    part(cost.images, imagesPerMinute),
  ].filter((share) => share !== null);
  return shares.length === 0 ? 1 : Math.max(...shares);
}

function part(cost: number, limit: number | null | undefined): number | null {
  return limit === null || limit === undefined ? null : cost / limit;
}
