/** A record of the source that could not become an item. */
export interface Rejected {
  kind: 'rejected';
  /** Line of the file the record starts on, one-based: what an editor or a spreadsheet shows. */
  rowNumber: number;
  errorType: 'validation_error' | 'json_error';
  /** `field: rule`. */
  message: string;
  /** The record as the file has it; only its beginning when it is over 1 MiB. */
  raw: string;
}

/** A record that could be taken apart; its values are not looked at yet. */
export interface RawRow {
  kind: 'row';
  rowNumber: number;
  /** Columns as the file names them, with text (CSV) or any JSON value (JSONL). */
  cells: (readonly [column: string, value: unknown])[];
  raw: string;
}

export type InputEntry = RawRow | Rejected;
