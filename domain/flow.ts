/** One step of a flow: data the item workflow interprets, so that a new flow needs no new workflow. */
export interface Step {
  id: string;
  /** What kind of work it is; each kind has one activity. */
  uses: 'image' | 'comfy';
}

/** An ordered list of steps that is run over every item of a batch. */
export interface Flow {
  name: string;
  steps: readonly Step[];
}

const flows: readonly Flow[] = [
  { name: 'image', steps: [{ id: 'image', uses: 'image' }] },
  { name: 'sprite', steps: [{ id: 'sprite', uses: 'comfy' }] },
];

export function findFlow(name: string): Flow | undefined {
  return flows.find((flow) => flow.name === name);
}

/** Whether items of the flow are made on ComfyUI servers, and not by a model of models.yaml. */
export function usesComfy({ steps }: Flow): boolean {
  return steps.some(({ uses }) => uses === 'comfy');
}

export function flowNames(): string[] {
  return flows.map((flow) => flow.name);
}
