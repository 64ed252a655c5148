import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findingsOn, overflowOf, Studio } from './studio.ts';

let studio: Studio;
let done: string;
let paused: string;
beforeAll(async () => {
  const faults = JSON.stringify({ rules: [{ prompt: 'refused', fault: 'safety' }] });
  studio = await Studio.open(['--faults', faults]);
  done = await studio.start(12, { budget_usd: 40 }, (n) => `${n % 4 === 0 ? 'refused' : 'fine'} ${String(n)}`);
  await studio.until(done, ({ status }) => status === 'failed');
  paused = await studio.start(40, { rate_limit: 60, tolerated_failures: 0 }, (n) => (n === 1 ? 'refused' : 'fine'));
  await studio.until(paused, ({ status }) => status === 'paused');
});
afterAll(() => studio.close());

/** Every page, and what tells that it is drawn. */
const pages: [name: string, path: () => string, drawn: string][] = [
  ['batches', () => '/', '12 of 12'],
  ['a batch', () => `/batches/${done}`, 'Throughput'],
  ['a paused batch', () => `/batches/${paused}`, 'Tolerated failure exceeded'],
  ['the gallery', () => `/batches/${done}/gallery`, 'item-1'],
  ['a picture', () => `/batches/${done}/gallery?item=item-1`, 'Prompt'],
  ['what failed', () => `/batches/${done}/failed`, 'CONTENT_BLOCKED'],
  ['a report', () => `/batches/${done}/report`, 'Recommendations'],
  ['a comparison', () => `/batches/${done}/compare?items=item-1,item-2`, 'seed'],
  ['a new batch', () => '/new', 'Drop a file here'],
  ['the inbox', () => '/inbox', 'Nothing waits for you'],
  ['costs', () => '/costs', 'Where it went'],
  ['schedules', () => '/schedules', 'No schedules yet'],
  ['a new schedule', () => '/schedules/new', 'Time zone'],
  ['GPUs', () => '/gpus', 'Waiting'],
  ['no page', () => '/nix', 'There is no such page'],
];

const looks = [
  { name: 'light', colorScheme: 'light', width: 1280 },
  { name: 'dark', colorScheme: 'dark', width: 1280 },
  { name: 'on a phone', colorScheme: 'light', width: 360 },
] as const;

describe.each(looks)('$name', ({ colorScheme, width }) => {
  test.each(pages)(
    'axe finds nothing on the page of %s, and it is no wider than the window',
    async (_, path, drawn) => {
      const page = await studio.page('about:blank');
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 760 });
      await page.goto(`${studio.url}${path()}`);
      await page.getByText(drawn).first().waitFor();
      expect(await findingsOn(page)).toEqual([]);
      expect(await overflowOf(page)).toBe(0);
      await page.close();
    },
  );
});

test('dialogs have nothing for axe to find either', async () => {
  const page = await studio.page(`/batches/${paused}`);
  await page.getByRole('button', { name: 'Limits' }).click();
  await page.getByRole('dialog', { name: 'Limits' }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('dialog', { name: 'Cancel this batch?' }).waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.close();
});

test('the dashboard is used by keyboard: shortcuts are listed, and Tab begins with a way past the navigation', async () => {
  const page = await studio.page('/');
  await page.getByRole('link', { name: done }).waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the page');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).getByText('New batch').waitFor();
  expect(await findingsOn(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.keyboard.press('n');
  await page.getByRole('heading', { level: 1, name: 'New batch' }).waitFor();
  expect(await page.evaluate('document.activeElement.tagName')).toBe('H1');
  await page.keyboard.press('g');
  await page.keyboard.press('b');
  await page.getByRole('heading', { level: 1, name: 'Batches' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('nothing has this name');
  await page.getByText('No batch fits').waitFor();
  await page.close();
});

test('light or dark is chosen, and stays chosen', async () => {
  const page = await studio.page('/');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByRole('button', { name: 'Light or dark' }).click();
  await page.reload();
  await page.getByRole('heading', { name: 'Batches' }).waitFor();
  expect(await page.evaluate('getComputedStyle(document.documentElement).colorScheme')).toBe('dark');
  await page.close();
});
