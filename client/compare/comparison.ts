/** A row or a column of a comparison. */
export interface Labelled {
  /** e.g. a prompt and its seed, or a model; any text. */
  label: string;
}

/** What belongs into one cell. */
export interface ComparisonCell {
  /** Absolute path of a picture, or null if there is none. */
  file: string | null;
  /** Why there is none, e.g. an error code; shown in its place. */
  note?: string;
}

/** Pictures to be put side by side: what was asked for in rows, what made it in columns. */
export interface Comparison<Row extends Labelled = Labelled, Column extends Labelled = Labelled> {
  title: string;
  rows: readonly Row[];
  columns: readonly Column[];
  cell: (row: Row, column: Column) => ComparisonCell;
}

/** What is known of a cell once its file was looked at. */
export interface CellView {
  file: string | null;
  /** Pixels, where the file says so; those of a PNG do. */
  size: { width: number; height: number } | null;
  /** Where it can be shown: `grid` in both outputs, `page` only where a browser decodes it, `nowhere`. */
  shown: 'grid' | 'page' | 'nowhere';
  /** What stands in the place of a picture that is not shown. */
  reason: string;
}
