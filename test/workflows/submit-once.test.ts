import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { submitOnce } from '../../client/submit-once.ts';
import type { Submission, SubmitOptions } from '../../client/submit.ts';
import { eventually } from '../support/eventually.ts';
import { useNamespace } from '../support/use-namespace.ts';

const { rig: makeRig, space } = useNamespace();

async function setUp() {
  const rig = await makeRig();
  const { client, models, directory } = space();
  const home = mkdtempSync(join(directory, 'home-'));
  const parent = mkdtempSync(join(directory, 'parent-'));
  const engine = { home, address: '', namespace: client.options.namespace };
  const submit = (key: string, prompt: string, more: Partial<SubmitOptions> = {}): Promise<Submission> =>
    submitOnce(
      { engine, client, models, live: new Set(['comfyui']) },
      {
        input: { text: `${JSON.stringify({ id: 'a1', prompt })}\n` },
        format: 'jsonl',
        parent,
        spec: { model: rig.model },
        ...more,
      },
      key,
    );
  const closed = (batchId: string) =>
    eventually(async () => (await client.workflow.getHandle(batchId).describe()).status.name === 'COMPLETED');
  return { rig, parent, submit, closed };
}

describe('a submission with a key', () => {
  test('starts one batch, however often it is sent, also when that is over', async () => {
    const { rig, parent, submit, closed } = await setUp();
    const [first, second] = await Promise.all([submit('k1', 'one'), submit('k1', 'one')]);
    expect(second.batchId).toBe(first.batchId);
    expect([first.attached, second.attached].sort()).toEqual([false, true]);
    await closed(first.batchId);
    const third = await submit('k1', 'one');
    expect(third).toMatchObject({ batchId: first.batchId, output: first.output, attached: true });
    expect(readdirSync(parent)).toEqual([first.batchId]);
    expect(rig.calls()).toHaveLength(1);
  });

  test('is refused when the input or an option is another one', async () => {
    const { submit, parent } = await setUp();
    await submit('k1', 'one');
    await expect(submit('k1', 'two')).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' });
    const output = join(parent, 'elsewhere');
    await expect(submit('k1', 'one', { output })).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' });
    expect(existsSync(output)).toBe(false);
    expect((await submit('k2', 'two')).attached).toBe(false);
  });

  test('needs a key that is one, and an input that can be read twice', async () => {
    const { submit } = await setUp();
    await expect(submit('', 'one')).rejects.toMatchObject({ code: 'USAGE' });
    const stream = (async function* () {
      yield await Promise.resolve('prompt\none\n');
    })();
    await expect(submit('k1', 'one', { input: { stream } })).rejects.toMatchObject({ code: 'USAGE' });
  });
});
