import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { eventually } from '../support/eventually.ts';
import { findingsOn, Studio } from './studio.ts';

/** What an attacker would have a page run: it must be seen as it is, and do nothing. */
const markup = '<img src=x onerror="document.title=1">';

let studio: Studio;
let batchId: string;
beforeAll(async () => {
  const faults = JSON.stringify({ rules: [{ prompt: 'refused', fault: 'safety' }] });
  studio = await Studio.open(['--faults', faults]);
  batchId = await studio.start(5, {}, (n) => (n === 5 ? `refused ${markup}` : `${markup} ${String(n)}`));
  await studio.until(batchId, ({ status }) => status === 'failed');
});
afterAll(() => studio.close());

const tiles = (page: Page) => page.getByRole('list', { name: 'Items' }).getByRole('listitem');

/** Pictures that have been loaded and can be seen. */
const picturesIn = (page: Page, selector: string) =>
  page.evaluate(`[...document.querySelectorAll('${selector} img')].filter((img) => img.naturalWidth > 0).length`);

test('the gallery shows the pictures of a batch, and what failed on demand', async () => {
  const page = await studio.page(`/batches/${batchId}/gallery`);
  await page.getByText('4 items', { exact: true }).waitFor();
  await eventually(async () => (await picturesIn(page, '.tile')) === 4);
  await page.getByRole('button', { name: 'Failed', exact: true }).click();
  await page.getByText('CONTENT_BLOCKED').waitFor();
  expect(await tiles(page).count()).toBe(1);
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await page.getByRole('searchbox').fill('item-2');
  await page.getByText('1 item', { exact: true }).waitFor();
  // What was chosen is in the address, so that it can be sent to somebody.
  expect(page.url()).toContain('show=all');
  expect(page.url()).toContain('q=item-2');
  // What an item was asked for is no part of its result: the service looks for it.
  await page.getByRole('searchbox').fill(`${markup} 3`);
  await page.getByRole('button', { name: 'Open item-3' }).waitFor();
  expect(await tiles(page).count()).toBe(1);
  await page.close();
});

test('a picture is looked at closely by keyboard alone', async () => {
  const page = await studio.page(`/batches/${batchId}/gallery`);
  await page.getByRole('button', { name: 'Open item-1' }).focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('heading', { name: 'item-1' }).waitFor();
  await dialog.getByText(`${markup} 1`).waitFor();
  await page.keyboard.press('ArrowRight');
  await dialog.getByRole('heading', { name: 'item-2' }).waitFor();
  await page.keyboard.press('z');
  await page.getByRole('button', { name: 'Actual size', pressed: true }).waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.close();
});

test('pictures are compared side by side', async () => {
  const page = await studio.page(`/batches/${batchId}/gallery`);
  await page.getByLabel('Select item-1').check();
  await page.getByLabel('Select item-3').check();
  await page.getByRole('link', { name: 'Compare' }).click();
  await page.getByRole('heading', { level: 1, name: 'Compare' }).waitFor();
  await eventually(async () => (await picturesIn(page, '.compare')) === 2);
  await page.getByRole('button', { name: 'Take item-1 away' }).click();
  await page.getByRole('button', { name: 'Take item-1 away' }).waitFor({ state: 'detached' });
  expect(await page.locator('.compare figure').count()).toBe(1);
  await page.close();
});

test('a picture is approved, another rejected with a note and made again, by keyboard', async () => {
  const page = await studio.page(`/batches/${batchId}/gallery?item=item-1`);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('heading', { name: 'item-1' }).waitFor();
  await page.keyboard.press('a');
  await page.getByText('item-1 is approved.').waitFor();
  // The next one is shown at once.
  await dialog.getByRole('heading', { name: 'item-2' }).waitFor();
  const before = (await studio.results(batchId)).find(({ request_id: id }) => id === 'item-2');
  await page.keyboard.press('r');
  await page.keyboard.type('with a red scarf');
  await dialog.getByRole('button', { name: 'Reject' }).click();
  await page.getByText('item-2 is made again.').waitFor();
  await dialog.getByRole('heading', { name: 'item-3' }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Open item-1, approved' }).waitFor();
  // What it shows is the new one, which nobody has reviewed.
  const image = page.getByRole('button', { name: 'Open item-2', exact: true }).locator('img');
  await eventually(async () => {
    const src = await image.getAttribute('src', { timeout: 1_000 });
    return src !== null && !src.includes(encodeURIComponent(before?.finished_at ?? ''));
  });
  expect(studio.prompts()).toContain(`${markup} 2\n\nwith a red scarf`);
  await page.getByLabel('Review').selectOption('Approved');
  await page.getByText('1 item', { exact: true }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.close();
});

test('ten thousand items cost the page no more than what is seen of them', async () => {
  const page = await studio.page('/');
  const [row] = (await studio.results(batchId)).filter(({ status }) => status === 'succeeded');
  const lines = Array.from({ length: 10_000 }, (_, index) =>
    JSON.stringify({ ...row, request_id: `many-${String(index + 1)}`, index }),
  );
  await page.route('**/results', (route) =>
    route.fulfill({ contentType: 'application/jsonl', body: lines.join('\n') }),
  );
  await page.goto(`${studio.url}/batches/${batchId}/gallery`);
  await page.getByText('10,000 items').waitFor();
  expect(await tiles(page).count()).toBeLessThan(80);
  await page.evaluate('window.scrollTo(0, document.body.scrollHeight)');
  await page.getByRole('button', { name: 'Open many-10000' }).waitFor();
  expect(await tiles(page).count()).toBeLessThan(80);
  await page.getByRole('searchbox').fill('many-77');
  await page.getByText('111 items').waitFor();
  await page.close();
});

test('no text of a batch becomes part of the page, and nothing breaks the content security policy', () => {
  expect(studio.complaints).toEqual([]);
});
