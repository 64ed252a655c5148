import { afterAll, beforeAll, expect, test } from 'vitest';
import { Studio } from './studio.ts';

let studio: Studio;
beforeAll(async () => {
  const faults = JSON.stringify({ rules: [{ prompt: 'refused', fault: 'safety', times: 2 }] });
  studio = await Studio.open(['--faults', faults]);
});
afterAll(() => studio.close());

test('a batch that is started appears in the list and is followed to its end without a reload', async () => {
  const page = await studio.page('/');
  await page.getByText('No batches yet').waitFor();
  const batchId = await studio.start(6);
  const card = page.getByRole('link', { name: batchId });
  await card.getByText('Succeeded').waitFor();
  await card.getByText('6 of 6').waitFor();
  await card.click();
  await page.getByRole('heading', { level: 1, name: batchId }).waitFor();
  await page.getByText('6 succeeded').waitFor();
  expect(await page.title()).toBe(`${batchId} · Sluice`);
  await page.close();
});

test('a batch is paused, given other limits, resumed and cancelled from its page', async () => {
  const batchId = await studio.start(200, { rate_limit: 30, concurrency: 1 });
  const page = await studio.page(`/batches/${batchId}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  await studio.until(batchId, ({ status }) => status === 'paused');
  await page.getByRole('button', { name: 'Resume' }).waitFor();

  await page.getByRole('button', { name: 'Limits' }).click();
  await page.getByLabel('Items at once').fill('3');
  await page.getByLabel('Budget, USD').fill('12.5');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Cost of $12.50 budget').waitFor();
  await page.getByText('Of the last 50, once 10 have finished: above 20% you are told').waitFor();
  expect((await studio.batch(batchId)).limits).toMatchObject({ concurrency: 3, budget_usd: 12.5, rate_limit: 30 });

  await page.getByRole('button', { name: 'Resume' }).click();
  await studio.until(batchId, ({ status }) => status === 'running');
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the batch' }).click();
  await studio.until(batchId, ({ status }) => status === 'cancelled');
  await page.locator('.badge', { hasText: 'Cancelled' }).waitFor();
  await page.close();
});

test('failed items are listed by error and run again from there', async () => {
  const batchId = await studio.start(4, {}, (n) => (n < 3 ? `refused ${String(n)}` : `fine ${String(n)}`));
  await studio.until(batchId, ({ status }) => status === 'failed');
  const page = await studio.page(`/batches/${batchId}/failed`);
  await page.getByRole('heading', { name: 'CONTENT_BLOCKED' }).waitFor();
  expect(await page.getByRole('list', { name: 'Failed items' }).getByRole('listitem').count()).toBe(2);
  const link = await page.getByRole('link', { name: 'item-1 in Temporal' }).getAttribute('href');
  expect(link).toMatch(new RegExp(`^http://127.0.0.1:\\d+/namespaces/\\w+/workflows/${batchId}%2Fitem-1$`));
  await page.getByRole('button', { name: 'Redrive 2', exact: true }).click();
  await studio.until(batchId, ({ status, succeeded }) => status === 'succeeded' && succeeded === 4);
  await page.getByText('Nothing failed').waitFor();
  await page.close();
});

test('a batch that is not there is said to be not there', async () => {
  const page = await studio.page('/batches/nix');
  await page.getByText('There is no batch nix').waitFor();
  await page.close();
});
