import { relative } from 'node:path';
import type { Command } from 'commander';
import type { FlowSearch, NamedFlow } from '../client/flow-files.ts';
import type { FlowView, StepView } from '../client/flow-view.ts';
import { exitStatus } from './exit-status.ts';
import { notice, print, printJson } from './output.ts';

interface Flags {
  json?: boolean;
}

/** Registers `sluice flow`. None of its commands needs an engine. */
export function addFlow(program: Command): void {
  const flow = program
    .command('flow')
    .description('look at flows and check them')
    .addHelpText('after', '\nExample:\n  sluice flow validate my-flow.yaml');
  addList(flow);
  addShow(flow);
  addValidate(flow);
  addGraph(flow);
}

function addList(flow: Command): void {
  flow
    .command('list')
    .description('flows that --flow can name: those that come with Sluice and those in $SLUICE_HOME/flows')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExample:\n  sluice flow list')
    .action(async (flags: Flags) => {
      const { listFlows } = await import('../client/flow-files.ts');
      for (const { name, file, shipped, flow: found, problems } of await listFlows(await search())) {
        const description = found?.description ?? `cannot be used: ${String(problems.length)} mistakes in ${file}`;
        if (flags.json === true) printJson({ name, description, file, shipped, valid: found !== null });
        else print(`${name.padEnd(12)} ${description}`);
      }
    });
}

function addShow(flow: Command): void {
  flow
    .command('show')
    .description('what a flow takes and does: columns, parameters, limits, steps')
    .argument('<flow>', 'name of a flow, or path of its file')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice flow show chapter')
    .action(async (name: string, flags: Flags) => {
      const { viewFlow } = await import('../client/flow-view.ts');
      const view = viewFlow(await load(name));
      if (flags.json === true) printJson(view);
      else for (const line of render(view)) print(line);
    });
}

function addValidate(flow: Command): void {
  flow
    .command('validate')
    .description('find the mistakes in flow files, with line and column')
    .argument('<flows...>', 'paths of flow files, or names of flows')
    .option('--json', 'print one JSON object a line')
    .addHelpText('after', '\nExit status 2 if one has a mistake.\nExample:\n  sluice flow validate my-flow.yaml')
    .action(async (names: string[], flags: Flags) => {
      const { readFlowFile } = await import('../client/flow-files.ts');
      const where = await search();
      for (const name of names) {
        const { file, problems, flow: found } = await readFlowFile(name, where);
        const shown = relative('', file);
        if (flags.json === true) printJson({ file, valid: found !== null, problems });
        else if (found !== null) print(`${shown}: no mistakes`);
        else for (const problem of problems) notice(problem.replace(file, shown));
        if (found === null) process.exitCode = exitStatus.usage;
      }
    });
}

function addGraph(flow: Command): void {
  flow
    .command('graph')
    .description('a flow as a Mermaid diagram')
    .argument('<flow>', 'name of a flow, or path of its file')
    .option('--json', 'print one JSON object')
    .addHelpText('after', '\nExample:\n  sluice flow graph chapter > chapter.mmd')
    .action(async (name: string, flags: Flags) => {
      const { toMermaid } = await import('../domain/flow-graph.ts');
      const found = await load(name);
      const mermaid = toMermaid(found.flow);
      if (flags.json === true) printJson({ name: found.name, mermaid });
      else print(mermaid);
    });
}

async function load(name: string): Promise<NamedFlow> {
  const { loadFlow } = await import('../client/flow-files.ts');
  return loadFlow(name, await search());
}

async function search(): Promise<FlowSearch> {
  const [{ defaultHome }, { loadModels }] = await Promise.all([
    import('../client/engine/home.ts'),
    import('../client/models.ts'),
  ]);
  const home = defaultHome(process.env);
  return { home, models: await loadModels(home) };
}

function render({ name, description, file, columns, parameters, limits, steps, output }: FlowView): string[] {
  const section = (title: string, lines: string[]): string[] => (lines.length === 0 ? [] : ['', title, ...lines]);
  const value = (one: {
    name: string;
    type: string;
    required: boolean;
    default: unknown;
    description: string;
  }): string => {
    const rule = one.required
      ? 'required'
      : one.default === null
        ? 'optional'
        : `default ${JSON.stringify(one.default)}`;
    return `  ${one.name.padEnd(16)} ${one.type.padEnd(8)} ${rule.padEnd(18)} ${one.description}`.trimEnd();
  };
  return [
    `${name}: ${description}`,
    `  ${file}`,
    ...section(
      'columns',
      (columns ?? [{ name: 'prompt', type: 'text', required: true, default: null, description: '' }]).map(value),
    ),
    ...section('parameters (--param name=value)', parameters.map(value)),
    ...section(
      'limits',
      Object.entries(limits).flatMap(([key, limit]) =>
        limit === null ? [] : [`  ${key.padEnd(20)} ${String(limit)}`],
      ),
    ),
    ...section(
      'steps',
      steps.flatMap((step) => renderStep(step, '  ')),
    ),
    ...(output === null ? [] : ['', `output: the file of ${output}`]),
  ];
}

function renderStep({ id, uses, when, model, repeat, steps }: StepView, indent: string): string[] {
  const bound = repeat === null ? '' : `, at most ${String(repeat.at_most)} rounds, until ${repeat.until}`;
  const line = `${indent}${id.padEnd(16)} ${uses}${model === null ? '' : `, model ${model}`}${bound}`;
  return [
    `${line}${when === null ? '' : `, when ${when}`}`,
    ...steps.flatMap((step) => renderStep(step, `${indent}  `)),
  ];
}
