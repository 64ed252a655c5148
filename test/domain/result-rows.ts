import type { ResultRow } from '../../domain/result.ts';

/** A succeeded item's row, with what a test changes of it. */
export function resultRow(change: Partial<ResultRow> = {}): ResultRow {
  return {
    request_id: 'item-1',
    index: 0,
    status: 'succeeded',
    output_path: 'images/item-1.png',
    error_code: null,
    error_message: null,
    processing_time_seconds: 2.5,
    model: 'gemini-2.5-flash-image',
    seed: 1,
    input_hash: '0123456789abcdef',
    calls: 1,
    input_tokens: 10,
    output_tokens: 1_290,
    images: 1,
    cost_usd: 0.039,
    finished_at: '2026-01-01T00:00:00.000Z',
    ...change,
  };
}

export function failedRow(change: Partial<ResultRow> = {}): ResultRow {
  return resultRow({
    status: 'failed',
    output_path: null,
    error_code: 'TIMEOUT',
    error_message: 'Too slow.',
    ...change,
  });
}
