import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findingsOn, overflowOf, Studio } from './studio.ts';

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

test('where there are tokens a page asks for one, and shows what its role allows and no more', async () => {
  const token = async (...args: string[]): Promise<string> =>
    (await studio.sandbox.sluice(['token', 'create', ...args])).stdout.trim();
  const tokens = { read: await token('looker', '--role', 'read'), run: await token('runner', '--role', 'run') };
  const complaints = studio.complaints.length;
  const page = await studio.page('/');
  const signIn = async (text: string): Promise<void> => {
    await page.getByLabel('Token').fill(text);
    await page.keyboard.press('Enter');
  };
  await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await signIn('sluice_wrong');
  await page.getByRole('alert').getByText('This token is not known, or was revoked.').waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflowOf(page)).toBe(0);
  await page.setViewportSize({ width: 1280, height: 800 });

  await signIn(tokens.read);
  await page.getByText('This token may only look.').waitFor();
  const batch = page.getByRole('link', { name: /^batch_/ });
  await batch.waitFor();
  expect(await page.getByRole('link', { name: 'New batch' }).count()).toBe(0);
  expect(await findingsOn(page)).toEqual([]);
  await page.keyboard.press('n');
  await page.getByText('A token with the role run is needed.').waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor();

  await signIn(tokens.run);
  await page.getByRole('link', { name: 'New batch' }).waitFor();
  await batch.click();
  await page.getByText('2 succeeded').waitFor();
  // What is revoked is no good from the next request on, and nothing that was seen stays on the page.
  expect((await studio.sandbox.sluice(['token', 'revoke', 'runner'])).status).toBe(0);
  await page.getByRole('heading', { name: 'Sign in to Sluice' }).waitFor();
  // Browsers themselves report every answer of 401.
  expect(studio.complaints.slice(complaints).filter((text) => !text.includes('401'))).toEqual([]);
  await page.close();
});
