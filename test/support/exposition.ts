/** A sample of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** What a page of metrics tells. */
export class Exposition {
  readonly samples: Sample[];
  /** Types by the name of the metric. */
  readonly types: ReadonlyMap<string, string>;

  constructor(text: string) {
    const lines = text.split('\n').filter((line) => line !== '');
    this.samples = lines.filter((line) => !line.startsWith('#')).map(parse);
    this.types = new Map(
      lines.flatMap((line) => {
        const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
        return name === undefined || type === undefined ? [] : [[name, type] as const];
      }),
    );
  }

  /** The value of the only sample with these labels; undefined if there is none. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.samples.filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    if (found.length > 1) throw new Error(`${String(found.length)} samples of ${name} with ${JSON.stringify(labels)}`);
    return found[0]?.value;
  }

  labelsOf(name: string): string[] {
    const own = [name, `${name}_count`];
    return Object.keys(this.samples.find((sample) => own.includes(sample.name))?.labels ?? {});
  }
}

/** @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function parse(line: string): Sample {
  const [, name, inner = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`);
  const labels = [...inner.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [
    key,
    text,
  ]);
  return {
    name,
    labels: Object.fromEntries(labels) as Record<string, string>,
    value: Number(value.replace('Inf', 'Infinity')),
  };
}
