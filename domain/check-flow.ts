import { z } from 'zod';
import type { EntryInFile, FlowHead } from './flow-file.ts';
import { foldChoice } from './choose-models.ts';
import type { FlowProblem } from './flow-problem.ts';
import { readValue } from './flow-values.ts';
import { checkTexts, type NameSpace } from './check-names.ts';
import { isTemplate } from './template-names.ts';
import { knownColumn } from './input-columns.ts';
import { modelKeys, resolveModel, type ModelsFile } from './models.ts';
import type { Column, StepKind } from './flow.ts';

type StepInFile = Extract<EntryInFile, { uses: unknown }>;
type LoopInFile = Exclude<EntryInFile, StepInFile>;

/** Kinds that call a model of models.yaml; whether a step has to name one. */
const modelKinds: Partial<Record<StepKind, 'named' | 'by row'>> = { text: 'named', video: 'named', image: 'by row' };
/** Kinds whose steps leave a file. */
const fileKinds: readonly StepKind[] = ['text', 'image', 'video', 'comfy', 'export'];
/** Columns every flow has that a flow may require. */
const ownColumns: readonly string[] = ['prompt', 'negative_prompt', 'from_image'];

/** Mistakes that no schema finds. */
export function checkFlow(head: FlowHead, entries: readonly EntryInFile[], models: ModelsFile): FlowProblem[] {
  const before: NameSpace['steps'] = new Map();
  const problems = [
    ...checkIds(entries),
    ...checkColumns(head),
    ...checkParameters(head),
    ...checkOutput(head, entries),
  ];
  for (const [place, entry] of entries.entries()) {
    const path = ['steps', place];
    if (isLoop(entry)) {
      // A step sees what the others of its loop made in the round before.
      const inside = new Map([...before, ...entry.steps.map((step) => [step.id, step] as const)]);
      const scope = { head, steps: inside, later: [], inLoop: true };
      for (const [n, step] of entry.steps.entries()) {
        problems.push(...checkStep(step, [...path, 'steps', n], scope, models));
      }
      problems.push(...checkRepeat(entry, [...path, 'repeat'], scope));
      for (const step of entry.steps) before.set(step.id, step);
    } else {
      const later = entries.slice(place).flatMap((one) => (isLoop(one) ? one.steps : [one]));
      problems.push(
        ...checkStep(entry, path, { head, steps: before, later: later.map(({ id }) => id), inLoop: false }, models),
      );
      before.set(entry.id, entry);
    }
  }
  return problems;
}

function isLoop(entry: EntryInFile): entry is LoopInFile {
  return 'repeat' in entry;
}

function checkStep(step: StepInFile, path: PropertyKey[], scope: NameSpace, models: ModelsFile): FlowProblem[] {
  const conditions = step.uses === 'check' ? /^rules\.\d+\.that$/ : null;
  return [
    ...(step.when === undefined ? [] : checkTexts(step.when, [...path, 'when'], scope, { condition: true })),
    ...Object.entries(step.with ?? {}).flatMap(([key, value]) =>
      checkDeep(
        value,
        [...path, 'with', key],
        scope,
        (place) => conditions?.test(place.slice(path.length + 1).join('.')) === true,
      ),
    ),
    ...checkModels(step, path, scope.head, models),
    ...(step.uses === 'text' ? checkSchema(step, [...path, 'with', 'schema']) : []),
    ...(step.uses === 'comfy' ? checkGraph(step, [...path, 'with'], scope.head) : []),
  ];
}

/** What an answer would be checked by only when it is paid for. */
function checkSchema({ with: { schema } = {} }: StepInFile, path: PropertyKey[]): FlowProblem[] {
  try {
    if (typeof schema === 'object' && schema !== null)
      z.fromJSONSchema(withoutTemplates(schema) as Parameters<typeof z.fromJSONSchema>[0]);
    return [];
  } catch (error) {
    return [{ path, rule: `is no JSON Schema: ${error instanceof Error ? error.message : String(error)}` }];
  }
}

/** What templates will give is not known yet. */
function withoutTemplates(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((entry) => !isTemplate(entry)).map(withoutTemplates);
  if (typeof value !== 'object' || value === null) return value;
  const known = Object.entries(value).filter(([, entry]) => !isTemplate(entry));
  return Object.fromEntries(known.map(([key, entry]) => [key, withoutTemplates(entry)]));
}

/** What decides where and by which graph a step is done has to be known before it begins. */
function checkGraph({ with: options = {} }: StepInFile, path: PropertyKey[], { name }: FlowHead): FlowProblem[] {
  // `sluice generate` brings the graph of a profile.
  if (options['graph'] === undefined && name !== 'sprite') {
    return [{ path: [...path, 'graph'], rule: 'is required: the path of a graph in API format' }];
  }
  return ['graph', 'gpu_class'].flatMap((key): FlowProblem[] =>
    isTemplate(options[key]) ? [{ path: [...path, key], rule: 'cannot be a template' }] : [],
  );
}

function checkDeep(
  value: unknown,
  path: PropertyKey[],
  scope: NameSpace,
  isCondition: (path: PropertyKey[]) => boolean,
): FlowProblem[] {
  if (typeof value === 'string') return checkTexts(value, path, scope, { condition: isCondition(path) });
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    checkDeep(inner, [...path, Array.isArray(value) ? Number(key) : key], scope, isCondition),
  );
}

function checkRepeat(loop: LoopInFile, path: PropertyKey[], scope: NameSpace): FlowProblem[] {
  const { at_most: atMost, expect = 1 } = loop.repeat;
  const tooMany = { path: [...path, 'expect'], rule: `must be at most at_most, ${String(atMost)}` };
  return [...checkUntil(loop, [...path, 'until'], scope), ...(expect > atMost ? [tooMany] : [])];
}

function checkUntil({ repeat, steps }: LoopInFile, path: PropertyKey[], scope: NameSpace): FlowProblem[] {
  const found = checkTexts(repeat.until, path, scope, { condition: true });
  if (found.length > 0) return found;
  const names = steps.some(({ id }) => new RegExp(`\\bsteps\\s*\\.\\s*${id}\\b`).test(repeat.until));
  const ids = steps.map(({ id }) => `steps.${id}`).join(', ');
  return names ? [] : [{ path, rule: `looks at no step of the loop, so that no round can end it: name one of ${ids}` }];
}

function checkModels(step: StepInFile, path: PropertyKey[], head: FlowHead, models: ModelsFile): FlowProblem[] {
  const { uses, model } = step;
  const need = modelKinds[uses];
  if (model === undefined) {
    return need === 'named' ? [{ path: [...path, 'model'], rule: `is required of a step that uses ${uses}` }] : [];
  }
  if (need === undefined) return [{ path: [...path, 'model'], rule: `is not for a step that uses ${uses}` }];
  const unknown = namedModels(model).flatMap(({ name, place }): FlowProblem[] => {
    const found = resolveModel(models, name);
    if (found?.model.kind === uses) return [];
    const there = `there are: ${modelKeys(models, uses as 'text').join(', ')}`;
    const rule = found === undefined ? `there is no model "${name}"` : `"${name}" makes no ${uses}`;
    return [{ path: [...path, 'model', ...place], rule: `${rule}; ${there}` }];
  });
  if (typeof model === 'string' || Array.isArray(model) || !('by' in model)) return unknown;
  const folded = Object.keys(model.table).map(foldChoice);
  const twice = Object.keys(model.table).find((_, n) => folded.indexOf(folded[n] ?? '') !== n);
  return [
    ...unknown,
    ...(Object.hasOwn(head.columns ?? {}, model.by)
      ? []
      : [{ path: [...path, 'model', 'by'], rule: `there is no column "${model.by}"` }]),
    ...(twice === undefined ? [] : [{ path: [...path, 'model', 'table', twice], rule: 'stands twice in the table' }]),
  ];
}

function namedModels(model: NonNullable<StepInFile['model']>): { name: string; place: PropertyKey[] }[] {
  const list = (given: string | string[], place: PropertyKey[]) =>
    typeof given === 'string' ? [{ name: given, place }] : given.map((name, n) => ({ name, place: [...place, n] }));
  if (typeof model === 'string' || Array.isArray(model)) return list(model, []);
  if ('round_robin' in model) return list(model.round_robin, ['round_robin']);
  if ('least_loaded' in model) return list(model.least_loaded, ['least_loaded']);
  const table = Object.entries(model.table).map(([value, name]) => ({ name, place: ['table', value] }));
  return [...table, ...list(model.otherwise, ['otherwise'])];
}

/** Ids are unique over the whole flow: records and results are told apart by them. */
function checkIds(entries: readonly EntryInFile[]): FlowProblem[] {
  const seen = new Set<string>();
  const problems: FlowProblem[] = [];
  const look = (id: string, path: PropertyKey[]): void => {
    if (seen.has(id)) problems.push({ path: [...path, 'id'], rule: `"${id}" is the id of another step` });
    seen.add(id);
  };
  for (const [place, entry] of entries.entries()) {
    look(entry.id, ['steps', place]);
    if (isLoop(entry)) for (const [n, { id }] of entry.steps.entries()) look(id, ['steps', place, 'steps', n]);
  }
  return problems;
}

function checkColumns({ columns = {} }: FlowHead): FlowProblem[] {
  return Object.entries(columns).flatMap(([name, column]): FlowProblem[] => {
    const meaning = knownColumn(name);
    if (meaning === undefined) return checkDefault(['columns', name, 'default'], column);
    if (meaning !== name || !ownColumns.includes(name)) {
      return [{ path: ['columns', name], rule: `means ${meaning} in every flow: choose another name` }];
    }
    if (column.type === 'text' && column.default === undefined) return [];
    return [{ path: ['columns', name], rule: 'is a column of every flow: it can be required, and nothing else' }];
  });
}

function checkParameters({ parameters }: FlowHead): FlowProblem[] {
  return Object.entries(parameters).flatMap(([name, one]) => checkDefault(['parameters', name, 'default'], one));
}

function checkDefault(
  path: PropertyKey[],
  { type, default: value }: { type: Column['type']; default?: unknown },
): FlowProblem[] {
  if (value === undefined || type === 'json') return [];
  const read = readValue(type, value);
  if (read.ok && read.value === value) return [];
  return [{ path, rule: `must be a ${type}, as the type says` }];
}

function checkOutput({ output }: FlowHead, entries: readonly EntryInFile[]): FlowProblem[] {
  if (output === undefined) return [];
  const step = entries.flatMap((entry) => (isLoop(entry) ? entry.steps : [entry])).find(({ id }) => id === output);
  if (step === undefined) return [{ path: ['output'], rule: `there is no step "${output}"` }];
  return fileKinds.includes(step.uses) ? [] : [{ path: ['output'], rule: `the step "${output}" makes no file` }];
}
