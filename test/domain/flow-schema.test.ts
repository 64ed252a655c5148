import { expect, test } from 'vitest';
import { flowFileJsonSchema } from '../../domain/flow-schema.ts';

test('the published JSON Schema is that of the flows that are read: vitest -u writes it anew', async () => {
  const text = `${JSON.stringify(flowFileJsonSchema(), null, 1)}\n`;
  await expect(text).toMatchFileSnapshot('../../docs/schemas/flow.schema.json');
});
