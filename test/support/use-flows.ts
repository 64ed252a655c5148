import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { flowKey } from '../../client/batch-flow.ts';
import type { BatchSpecInput } from '../../domain/batch-spec.ts';
import type { Flow } from '../../domain/flow.ts';
import { parseStepRecord, stepRecordKey, type StepRecord } from '../../domain/step-record.ts';
import type { GeminiEmulatorOptions } from '../../emulators/gemini/options.ts';
import type { TextEmulatorOptions } from '../../emulators/text/options.ts';
import type { Rig } from './rig.ts';
import { rows } from './rig.ts';
import type { TestNamespace } from './namespace.ts';
import { useNamespace } from './use-namespace.ts';
import { Writer } from './writer.ts';

/** A batch of a flow that a test writes down. */
export interface FlowBatch {
  rig: Rig;
  submit: (options?: { items?: ReturnType<typeof rows>; spec?: BatchSpecInput; resume?: boolean }) => Promise<unknown>;
  /** What a step of an item left; null where there is none. */
  record: (itemId: string, stepId: string, round?: number) => StepRecord | null;
}

/** Opens a namespace with language models, and batches of flows in it. */
export function useFlows(): {
  space: () => TestNamespace;
  /** A batch of the flow `image`. */
  rig: (emulator?: GeminiEmulatorOptions) => Promise<Rig>;
  writer: (options?: TextEmulatorOptions) => Promise<Writer>;
  /** The flow may call its image model by the name `painter`. */
  flow: (flow: Omit<Flow, 'name' | 'providers'>) => Promise<FlowBatch>;
} {
  const { rig: newRig, space } = useNamespace();
  const writers: Writer[] = [];
  afterAll(() => Promise.all(writers.map((writer) => writer.close())));
  return {
    space,
    rig: newRig,
    async writer(options) {
      const writer = new Writer(space());
      writers.push(writer);
      await writer.emulate(options);
      return writer;
    },
    async flow(given) {
      const rig = await newRig();
      const flow: Flow = { name: 'tested', ...given, providers: providersOf(space()) };
      return {
        rig,
        async submit({ items = rows(1), ...options } = {}) {
          await rig.submit(items, { ...options, flow });
          // Where a retry looks for it.
          writeFileSync(join(rig.output, flowKey), JSON.stringify(flow));
        },
        record(itemId, stepId, round = 0) {
          const path = stepRecordKey(itemId, stepId, round);
          return existsSync(join(rig.output, path)) ? parseStepRecord(rig.read(path)) : null;
        },
      };
    },
  };
}

function providersOf({ models }: TestNamespace): Record<string, string> {
  return Object.fromEntries(Object.entries(models.models).map(([key, { provider }]) => [key, provider]));
}
