import { SluiceError, type ErrorCode } from '../domain/errors.ts';
import { isModelDown } from '../domain/surroundings.ts';

/** A single call may fail by itself; that many in a row are the model's failures. */
const mostInARow = 3;
/** How long a model is passed over; then the next call tries it again, milliseconds. */
const restMs = 30_000;

/** The model was not called, because it was down a moment ago and the step has others. */
export class PassedOver extends SluiceError {}

/**
 * Which models are down, as far as this worker knows: so that of a thousand items that have another model to
 * call, not each waits for the first one to fail again.
 */
export class ModelHealth {
  private readonly trouble = new Map<string, { code: ErrorCode; inARow: number; until: number }>();

  /** A call was answered, or failed for reasons that are not the model's. */
  isUp(model: string): void {
    this.trouble.delete(model);
  }

  failed(model: string, code: ErrorCode, nowMs: number): void {
    if (!isModelDown(code)) return;
    // Waiting a moment gives no quota and no key.
    const final = code === 'QUOTA_EXCEEDED' || code === 'AUTH';
    const inARow = final ? mostInARow : (this.trouble.get(model)?.inARow ?? 0) + 1;
    this.trouble.set(model, { code, inARow, until: nowMs + restMs });
  }

  /** Throws PassedOver, with the code of its last failure, while a model is down. */
  assertUp(model: string, nowMs: number): void {
    const known = this.trouble.get(model);
    if (known === undefined || known.inARow < mostInARow || known.until <= nowMs) return;
    throw new PassedOver(known.code, `${model} is passed over: its last calls failed (${known.code}).`);
  }
}
