import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Studio } from './studio.ts';

let studio: Studio;
beforeAll(async () => {
  studio = await Studio.open();
});
afterAll(() => studio.close());

test('a CSV is looked at before it runs: items, cost, and the rows that are left out', async () => {
  const file = studio.sandbox.path('pictures.csv');
  writeFileSync(file, 'id,prompt,seed\na,a fox,1\nb,,2\nc,a harbour,x\nd,a lantern,4\n');
  const page = await studio.page('/new');
  await page.getByLabel('File with the items').setInputFiles(file);
  const plan = page.getByRole('status', { name: 'Plan' });
  await plan.waitFor();
  expect(await plan.innerText()).toMatch(/Items\s+2\s+Rows rejected\s+2\s+Cost, estimated\s+\$0\.078/);
  await page.getByText('prompt: is required').waitFor();
  await page.getByText(/seed: must be a whole number/).waitFor();
  expect(await studio.ask<{ data: unknown[] }>('/api/batches')).toMatchObject({ data: [] });

  await page.getByLabel('Project').fill('spring');
  await page.getByLabel('Budget, USD').fill('2');
  await page.getByRole('button', { name: 'Start the batch' }).click();
  await page.waitForURL(/\/batches\/batch_/);
  const batchId = page.url().split('/').at(-1) ?? '';
  const batch = await studio.until(batchId, ({ status }) => status === 'succeeded');
  expect(batch).toMatchObject({ total: 2, rejected: 2, project: 'spring', limits: { budget_usd: 2 } });
  await page.close();
});

test('a file without a single item says so, and cannot be started', async () => {
  const page = await studio.page('/new');
  await page.getByLabel('File with the items').setInputFiles({
    name: 'empty.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('id,prompt\na,\n'),
  });
  await page.getByText('prompt: is required').waitFor();
  expect(await page.getByRole('button', { name: 'Start the batch' }).isDisabled()).toBe(true);
  await page.close();
});
