import { expect, test } from 'vitest';
import { Estimates } from '../../../providers/gpu-pool/estimates.ts';

test('what a run after a switch took longer than others is the load, also when it came first', () => {
  const first = new Estimates();
  first.learn(2_500, true);
  first.learn(1_500, false);
  expect(first).toMatchObject({ runMs: 1_500, loadMs: 1_000 });
  const later = new Estimates();
  later.learn(1_500, false);
  later.learn(2_500, true);
  expect(later).toMatchObject({ runMs: 1_500, loadMs: 1_000 });
});

test('an endpoint that has run nothing is taken for one like the others', () => {
  const all = new Estimates();
  const known = new Estimates(all);
  known.learn(500, false);
  known.learn(800, true);
  expect(new Estimates(all)).toMatchObject({ runMs: 500, loadMs: 300 });
});

test('estimates follow a change within some ten runs, and one odd run moves them little', () => {
  const estimates = new Estimates();
  estimates.learn(1_000, false);
  estimates.learn(2_000, false);
  expect(estimates.runMs).toBeCloseTo(1_200);
  for (let n = 0; n < 10; n++) estimates.learn(2_000, false);
  expect(estimates.runMs).toBeGreaterThan(1_900);
});
