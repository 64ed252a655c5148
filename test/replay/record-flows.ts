import type { WorkflowHandle } from '@temporalio/client';
import type { Flow, Step } from '../../domain/flow.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { Rig, rows } from '../support/rig.ts';
import { Writer } from '../support/writer.ts';

/**
 * Items of flows of several steps: text, check and text again in a loop; a model that is down and the next one;
 * a choice by load; a failure at the second step, and the redrive of it.
 */
export async function recordFlows(
  space: TestNamespace,
  directory: string,
  save: (name: string, handle: WorkflowHandle) => Promise<void>,
): Promise<void> {
  const up = new Writer(space);
  const down = new Writer(space);
  const rig = new Rig(space, space.takeModel(), directory);
  try {
    await up.emulate({ faults: { rules: [{ prompt: '^End bad', fault: 'refused', times: 1 }] } });
    await down.emulate({ faults: { rules: [{ prompt: '', fault: 'server_error' }] } });
    await rig.emulate();
    const input = rows(2, { 1: 'good', 2: 'bad' });
    await rig.submit(input, { flow: flowOf(up.model, down.model), spec: { retry: { maxAttempts: 2 } } });
    await rig.summary();
    await save('item-flow', rig.item('a1'));
    await save('item-flow-failed', rig.item('a2'));
    await rig.retry();
    await rig.summary();
    await save('item-flow-redriven', rig.item('a2'));
    await save('flow-redriven', rig.workflow);
  } finally {
    await Promise.all([up.close(), down.close(), rig.close()]);
  }
}

function flowOf(up: string, down: string): Flow {
  const text = (id: string, prompt: string, model: Step['model']): Step => {
    return { id, uses: 'text', with: { prompt }, ...(model === undefined ? {} : { model }) };
  };
  return {
    name: 'recorded',
    providers: { [up]: 'openai', [down]: 'openai' },
    steps: [
      text('plan', 'Plan {{ item.prompt }}', { rule: 'fixed', models: [down, up] }),
      {
        id: 'writing',
        repeat: { atMost: 3, until: 'steps.look.passed' },
        steps: [
          text('draft', 'Write {{ item.prompt }}', { rule: 'fixed', models: [up] }),
          { id: 'look', uses: 'check', with: { rules: [{ that: 'loop.round >= 2', message: 'Too early.' }] } },
        ],
      },
      { ...text('never', 'Never', { rule: 'fixed', models: [up] }), when: 'item.index > 100' },
      text('end', 'End {{ item.prompt }}', { rule: 'least_loaded', models: [up, down] }),
    ],
    output: 'draft',
  };
}
