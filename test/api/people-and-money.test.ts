import { afterAll, beforeAll, expect, test } from 'vitest';
import { Served } from './served.ts';

let served: Served;
beforeAll(async () => {
  served = await Served.start();
});
afterAll(() => served.dispose());

const patch = (path: string, body: object) =>
  served.ask(path, { method: 'PATCH', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

test('what was spent can be read by project, and a budget set', async () => {
  const id = await served.run([{ prompt: 'a cat' }], { project: 'cats' });
  expect((await served.ask(`/batches/${id}`)).json).toMatchObject({ status: 'succeeded' });
  const costs = await served.ask('/costs?by=project');
  expect(costs.json).toMatchObject({ by: 'project', rows: [{ key: 'cats', mode: 'emulated', calls: 1 }] });
  const budgets = await patch('/budgets', { day_usd: 5, project: { name: 'cats', total_usd: 100 } });
  expect(budgets.json['live']).toContainEqual(expect.objectContaining({ project: 'cats', limit_usd: 100 }));
  expect((await served.ask('/budgets')).json).toEqual(budgets.json);
  expect(await served.ask('/costs?since=yesterday')).toMatchObject({ status: 400, json: { code: 'USAGE' } });
});

test('nobody asks anything where no item waits, and an answer to nothing is refused', async () => {
  expect((await served.ask('/inbox')).json).toEqual({ data: [] });
  const id = await served.run([{ id: 'a', prompt: 'a dog' }]);
  const refused = await served.post(`/batches/${id}/jobs/a/answer`, { decision: 'approve' });
  expect(refused).toMatchObject({ status: 404, json: { code: 'QUESTION_NOT_FOUND' } });
  expect(await served.post(`/batches/${id}/jobs/a/answer`, { decision: 'perhaps' })).toMatchObject({ status: 400 });
});

