import { cpus, totalmem } from 'node:os';

/** What a figure has to reach. */
export interface Target {
  atLeast?: number;
  atMost?: number;
}

interface Result {
  bench: string;
  metric: string;
  value: number;
  unit: string;
  target: string | null;
  /** Null where there is nothing to reach. */
  ok: boolean | null;
}

/** The figures of a run: each is printed as a JSON line at once, all of them as a table at the end. */
export class Results {
  readonly #all: Result[] = [];

  add(bench: string, metric: string, value: number, unit: string, target: Target = {}): void {
    const { atLeast, atMost } = target;
    const rounded = Number(value.toPrecision(4));
    const ok = (atLeast === undefined || value >= atLeast) && (atMost === undefined || value <= atMost);
    const words = atLeast !== undefined ? `>= ${atLeast}` : atMost !== undefined ? `<= ${atMost}` : null;
    const result = { bench, metric, value: rounded, unit, target: words, ok: words === null ? null : ok };
    this.#all.push(result);
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }

  /** A Markdown table, as docs/performance.md has it, and one line that says what was missed. */
  table(): string {
    const rows = this.#all.map(({ bench, metric, value, unit, target, ok }) => [
      bench,
      metric,
      `${value} ${unit}`.trim(),
      target ?? '',
      ok === null ? '' : ok ? 'met' : '**missed**',
    ]);
    const lines = [['bench', 'figure', 'value', 'target', ''], ['---', '---', '---', '---', '---'], ...rows];
    const missed = this.#all.filter(({ ok }) => ok === false);
    const verdict =
      missed.length === 0
        ? 'Every target was met.'
        : `MISSED: ${missed.map(({ bench, metric }) => `${bench} ${metric}`).join('; ')}`;
    return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n\n${verdict}\n`;
  }
}

/** The machine the figures are of. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memoryGiB} GiB, ${process.platform}, Node ${process.version}`;
}

/** The upper one of the two in the middle, where there are two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
