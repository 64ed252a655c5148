import { Client, Connection, type WorkflowClientInterceptor } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { engineStatus } from '../../client/engine/ensure-engine.ts';
import { loadModels } from '../../client/models.ts';
import type { Service } from '../../client/modes.ts';
import { submit } from '../../client/submit.ts';
import type { BatchInput } from '../../domain/batch.ts';
import type { Flow } from '../../domain/flow.ts';

import { findingsOn, overflowOf, Studio } from './studio.ts';

/** Draws until a person likes it; a note to a rejection is part of the next prompt. */
const flow: Flow = {
  name: 'liked',
  steps: [
    {
      id: 'until_liked',
      repeat: { atMost: 3, until: 'steps.approval.approved' },
      steps: [
        {
          id: 'draw',
          uses: 'image',
          with: { prompt: '{{ item.prompt }}{% if steps.approval %}; {{ steps.approval.answer.note }}{% endif %}' },
        },
        { id: 'approval', uses: 'approve', with: { question: 'Keep {{ item.id }}?', image: '{{ steps.draw.path }}' } },
      ],
    },
  ],
};

/** Starts a batch of one item with that flow. */
async function startAsking(): Promise<string> {
  const { home } = studio.sandbox;
  const engine = await engineStatus(home);
  if (engine === null) throw new Error('There is no engine.');
  const connection = await Connection.connect({ address: engine.address });
  const withFlow: WorkflowClientInterceptor = {
    startWithDetails(input, next) {
      const [batch] = input.options.args as [BatchInput];
      return next({ ...input, options: { ...input.options, args: [{ ...batch, flow }] } });
    },
  };
  const { namespace, address } = engine;
  const client = new Client({ connection, namespace, interceptors: { workflow: [withFlow] } });
  const { batchId } = await submit(
    {
      engine: { home, address, namespace },
      client,
      models: await loadModels(home),
      live: new Set<Service>(['gemini']),
    },
    {
      input: { text: '{"id":"item-1","prompt":"prompt 1"}\n' },
      format: 'jsonl',
      output: studio.sandbox.path('asking'),
      spec: { interactive: true },
    },
  );
  await connection.close();
  return batchId;
}

let studio: Studio;
beforeAll(async () => {
  studio = await Studio.open();
});
afterAll(() => studio.close());

test('a picture is rejected with a note in the inbox, made again, and approved', async () => {
  const page = await studio.page('/inbox');
  await page.getByText('Nothing waits for you').waitFor();
  const batchId = await startAsking();
  await page.getByRole('heading', { name: 'Keep item-1?' }).waitFor();
  await page.getByRole('navigation').getByText('1 waiting').waitFor();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await findingsOn(page)).toEqual([]);
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflowOf(page)).toBe(0);
  await page.setViewportSize({ width: 1280, height: 800 });

  await page.getByLabel('Note').fill('with a red scarf');
  await page.getByRole('button', { name: 'Reject' }).click();
  await page.getByText('Rejected.').waitFor();
  await studio.until(batchId, ({ running, waiting }) => running === 0 && waiting === 1);
  // What waits is at hand in the gallery of its batch, too.
  await page.goto(`${studio.url}/batches/${batchId}/gallery`);
  await page.getByRole('heading', { name: '1 item waits for an answer' }).waitFor();
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Approved.').waitFor();
  await studio.until(batchId, ({ status }) => status === 'succeeded');
  await page.goto(`${studio.url}/inbox`);
  await page.getByText('Nothing waits for you').waitFor();
  expect(studio.prompts()).toEqual(['prompt 1', 'prompt 1; with a red scarf']);
  await page.close();
});

test('costs are shown by day and model', async () => {
  const page = await studio.page('/costs');
  await page.getByText('By day').waitFor();
  await page.getByRole('cell', { name: 'gemini-2.5-flash-image' }).waitFor();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await findingsOn(page)).toEqual([]);
  await page.getByRole('button', { name: 'Batches' }).click();
  await page.getByRole('link', { name: /^batch_/ }).waitFor();
  await page.setViewportSize({ width: 360, height: 740 });
  expect(await overflowOf(page)).toBe(0);
  await page.close();
});

test('a schedule is made, paused, resumed, run and removed from its page', async () => {
  const page = await studio.page('/schedules');
  await page.getByRole('link', { name: 'New schedule' }).click();
  await page.getByRole('heading', { level: 1, name: 'New schedule' }).waitFor();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.getByLabel('Name').fill('nightly');
  await page.getByLabel('Cron', { exact: true }).fill('0 3 * * *');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByLabel('Note').fill('fresh every morning');
  await page.getByLabel('Budget, USD').fill('1.5');
  const file = { name: 'nightly.csv', mimeType: 'text/csv', buffer: Buffer.from('prompt\na fox\na lantern\n') };
  await page.getByLabel('File').setInputFiles(file);
  await page.getByRole('button', { name: 'Make the schedule' }).click();
  await page.getByRole('heading', { name: 'nightly' }).waitFor();
  await page.getByText('0 3 * * * · Europe/Berlin · fresh every morning').waitFor();
  expect(await findingsOn(page)).toEqual([]);

  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('Active').waitFor();
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.getByRole('list').getByText('Succeeded').waitFor();

  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove the schedule' }).click();
  await page.getByText('No schedules yet').waitFor();
  await page.close();
});
