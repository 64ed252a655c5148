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
  await page.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('Approved.').waitFor();
  await studio.until(batchId, ({ status }) => status === 'succeeded');
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

test('a schedule is paused, resumed and run from its page', async () => {
  studio.sandbox.prompts('nightly.csv', 2);
  const args = ['schedule', 'create', 'nightly', 'nightly.csv', '-o', 'nightly/{{ batch }}', '--cron', '0 3 * * *'];
  const { status, stderr } = await studio.sandbox.sluice(args);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const page = await studio.page('/schedules');
  await page.getByRole('heading', { name: 'nightly' }).waitFor();
  await page.emulateMedia({ reducedMotion: 'reduce' });
  expect(await findingsOn(page)).toEqual([]);
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await page.getByText('Active').waitFor();
  await page.getByRole('button', { name: 'Run now' }).click();
  await page.getByRole('list').getByText('Succeeded').waitFor();
  await page.close();
});
