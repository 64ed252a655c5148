import { isLoop, type Flow, type ModelChoice, type Step } from './flow.ts';

/**
 * A flow as a Mermaid diagram: steps from top to bottom, loops as boxes with their bound, conditions on the way in.
 *
 * @see https://mermaid.js.org/syntax/flowchart.html
 */
export function toMermaid(flow: Flow): string {
  const lines = ['flowchart TD', `  start(["${escape(flow.name)}: each item"])`];
  let last = 'start';
  for (const entry of flow.steps) {
    if (!isLoop(entry)) {
      lines.push(`  ${node(entry)}`, `  ${edge(last, entry)}`);
      last = entry.id;
      continue;
    }
    const { id, repeat, steps } = entry;
    lines.push(`  subgraph ${id}["${id}: at most ${String(repeat.atMost)} rounds"]`);
    lines.push(...steps.map((step) => `    ${node(step)}`));
    lines.push(...steps.slice(1).map((step, n) => `    ${edge(steps[n]?.id ?? '', step)}`));
    const [first] = steps;
    const end = steps.at(-1);
    if (first !== undefined && end !== undefined) {
      lines.push(`    ${end.id} -. "until ${escape(repeat.until)}" .-> ${first.id}`, '  end');
      lines.push(`  ${edge(last, first)}`);
      last = end.id;
    }
  }
  return [...lines, `  ${last} --> done(["result"])`].join('\n');
}

function node({ id, uses, model }: Step): string {
  const by = model === undefined ? '' : `<br/>${escape(describeChoice(model))}`;
  const label = `"${id}: ${uses}${by}"`;
  if (uses === 'check') return `${id}{${label}}`;
  return uses === 'approve' ? `${id}[/${label}/]` : `${id}[${label}]`;
}

function edge(from: string, { id, when }: Step): string {
  return when === undefined ? `${from} --> ${id}` : `${from} -- "when ${escape(when)}" --> ${id}`;
}

/** How a step gets its model, in a few words. */
export function describeChoice(choice: ModelChoice): string {
  const [first = '', ...others] = choice.models;
  const then = others.length === 0 ? '' : `, else ${others.join(', ')}`;
  switch (choice.rule) {
    case 'fixed':
      return `${first}${then}`;
    case 'round_robin':
      return `in turn: ${choice.models.join(', ')}`;
    case 'least_loaded':
      return `least loaded of ${choice.models.join(', ')}`;
    case 'by_field':
      return `by ${choice.field}, otherwise ${first}${then}`;
  }
}

function escape(text: string): string {
  return text.replaceAll('#', '#35;').replaceAll('"', '#quot;').replaceAll('<', '#lt;').replaceAll('>', '#gt;');
}
