import { findTargets, type ComfyParameter } from '../domain/comfy-targets.ts';
import { SluiceError } from '../domain/errors.ts';
import type { FlowProblem } from '../domain/flow-problem.ts';
import { isLoop, type Flow, type FlowEntry, type Step } from '../domain/flow.ts';
import { graphKey, graphPathOf, graphRule, readGraphFile, shippedGraphs, type GraphFile } from './graph-files.ts';

/** Options of a step that are written into its graph, and what they are called there. */
const written: Readonly<Record<string, ComfyParameter>> = {
  prompt: 'prompt',
  negative_prompt: 'negative_prompt',
  from_image: 'source_image',
  steps: 'steps',
  cfg: 'cfg',
  sampler: 'sampler',
  scheduler: 'scheduler',
  width: 'width',
  height: 'height',
  checkpoint: 'checkpoint',
  loras: 'lora',
};

/** Mistakes of graphs that a flow names: there is none, it is none, or it has no place for what it is to be given. */
export async function checkGraphs({ steps }: Pick<Flow, 'steps'>, file: string): Promise<FlowProblem[]> {
  const placed = steps.flatMap((entry, n): { step: Step; path: PropertyKey[] }[] =>
    isLoop(entry)
      ? entry.steps.map((step, m) => ({ step, path: ['steps', n, 'steps', m] }))
      : [{ step: entry, path: ['steps', n] }],
  );
  const problems = placed.map(async ({ step, path }) => {
    const name = graphOf(step);
    return name === null ? [] : checkGraph(step, name, file, [...path, 'with']);
  });
  return (await Promise.all(problems)).flat();
}

async function checkGraph(step: Step, name: string, file: string, path: PropertyKey[]): Promise<FlowProblem[]> {
  let found: GraphFile;
  try {
    found = await graphFile(name, file);
  } catch (error) {
    if (error instanceof SluiceError) return [{ path: [...path, 'graph'], rule: error.message }];
    throw error;
  }
  const places = new Set(findTargets(found.graph).map(({ parameter }) => parameter));
  const asked = Object.keys(step.with ?? {}).filter((option) => option in written);
  const without = asked.filter((option) => !places.has(written[option] ?? 'prompt'));
  const missing = without.map((option) => ({
    path: [...path, option],
    rule: `${found.name} has no place for it (see: sluice comfy inspect)`,
  }));
  if (asked.includes('prompt') || places.has('prompt') || places.has('source_image')) return missing;
  return [
    ...missing,
    { path: [...path, 'graph'], rule: `${found.name} has no place for a prompt (see: sluice comfy inspect)` },
  ];
}

/** A flow whose steps name graphs where the batch keeps them, and what it is to keep. */
export async function withGraphs(
  flow: Flow,
  file: string,
): Promise<{ flow: Flow; graphs: { key: string; text: string }[] }> {
  const graphs = new Map<string, string>();
  const keep = async (step: Step): Promise<Step> => {
    const name = graphOf(step);
    if (name === null) return step;
    const { text } = await graphFile(name, file);
    const key = graphKey(text);
    graphs.set(key, text);
    return { ...step, with: { ...step.with, graph: key } };
  };
  const steps = await Promise.all(
    flow.steps.map(async (entry): Promise<FlowEntry> => {
      return isLoop(entry) ? { ...entry, steps: await Promise.all(entry.steps.map(keep)) } : keep(entry);
    }),
  );
  return { flow: { ...flow, steps }, graphs: [...graphs].map(([key, text]) => ({ key, text })) };
}

function graphOf({ uses, with: options }: Step): string | null {
  const graph = options?.['graph'];
  return uses === 'comfy' && typeof graph === 'string' ? graph : null;
}

/** @throws SluiceError INPUT_NOT_FOUND, INVALID_INPUT, CONFIG_INVALID */
async function graphFile(name: string, file: string): Promise<GraphFile> {
  const shipped = await shippedGraphs();
  const path = graphPathOf(name, file, shipped);
  if (path === null) throw new SluiceError('CONFIG_INVALID', graphRule(shipped));
  return readGraphFile(path);
}
