/** One step of a flow: data the item workflow interprets, so that a new flow needs no new workflow. */
export interface Step {
  id: string;
  /** What kind of work it is; each kind has one activity. */
  uses: 'image';
}

/** An ordered list of steps that is run over every item of a batch. */
export interface Flow {
  name: string;
  steps: readonly Step[];
}

const flows: readonly Flow[] = [{ name: 'image', steps: [{ id: 'image', uses: 'image' }] }];

export function findFlow(name: string): Flow | undefined {
  return flows.find((flow) => flow.name === name);
}

export function flowNames(): string[] {
  return flows.map((flow) => flow.name);
}
