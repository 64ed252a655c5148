import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, mostOvertakes } from '../../../providers/gpu-pool/decide.ts';
import type { EndpointView, Situation, WaitingJob } from '../../../providers/gpu-pool/situation.ts';

type Named = WaitingJob & { id: string };

function endpoint(name: string, more: Partial<EndpointView> = {}): EndpointView {
  const idle = {
    jobs: 0,
    remainingMs: 0,
    heldForMs: 0,
    runMs: 3_000,
    loadMs: 8_000,
    vramFreeBytes: 20e9,
    vramTotalBytes: 24e9,
  };
  return { name, classes: ['any'], health: 'alive', checkpoint: null, ...idle, ...more };
}

/** One job runs, and a place is free behind it. */
const working = (checkpoint: string, remainingMs = 2_000) => ({ checkpoint, jobs: 1, remainingMs });

let counter = 0;
function job(checkpoint: string | null, more: Partial<Named> = {}): Named {
  counter += 1;
  return { id: `job-${counter}`, gpuClass: 'any', checkpoint, priority: 3, owner: 'batch', passedOver: 0, ...more };
}

const jobs = (count: number, checkpoint: string, more: Partial<Named> = {}) =>
  Array.from({ length: count }, () => job(checkpoint, more));

function decided(endpoints: EndpointView[], waiting: Named[], more: Partial<Situation<Named>> = {}) {
  return decide({ slots: 2, quietForMs: 10_000, endpoints, waiting, jobsOf: () => 0, ...more });
}

function assigned(endpoints: EndpointView[], waiting: Named[], more: Partial<Situation<Named>> = {}) {
  const { assignment } = decided(endpoints, waiting, more);
  return assignment && { id: assignment.job.id, endpoint: assignment.endpoint };
}

describe('for a free place', () => {
  test('a more urgent job goes before one whose checkpoint is loaded', () => {
    const waiting = [...jobs(3, 'A'), job('B', { priority: 1, id: 'urgent' }), job('A', { priority: 2 })];
    expect(assigned([endpoint('gpu', { checkpoint: 'A' })], waiting)).toMatchObject({ id: 'urgent' });
  });

  test('of one priority, a job whose checkpoint is loaded goes before an older one', () => {
    const waiting = [job('B', { id: 'older' }), job('A', { id: 'loaded' })];
    const { assignment } = decided([endpoint('gpu', working('A'))], waiting);
    expect(assignment).toMatchObject({ job: { id: 'loaded' }, passedOver: { id: 'older' } });
  });

  test('a job that needs no checkpoint does not wait for one', () => {
    expect(assigned([endpoint('gpu', working('A'))], [job(null, { id: 'none' })])).toMatchObject({ id: 'none' });
  });

  test('the owner with the fewest jobs under way goes first, then order of arrival', () => {
    const waiting = [job('A', { owner: 'x' }), job('A', { owner: 'y', id: 'y1' }), job('A', { owner: 'y' })];
    const jobsOf = (owner: string) => (owner === 'x' ? 3 : 2);
    expect(assigned([endpoint('gpu', { checkpoint: 'A' })], waiting, { jobsOf })).toMatchObject({ id: 'y1' });
  });

  test('a job that was passed over too often gets its turn', () => {
    const before = job('B', { id: 'patient', passedOver: mostOvertakes - 1 });
    expect(assigned([endpoint('gpu', working('A'))], [before, ...jobs(9, 'A')])).not.toMatchObject({ id: 'patient' });
    const after = { ...before, passedOver: mostOvertakes };
    expect(assigned([endpoint('gpu', working('A'))], [after, ...jobs(9, 'A')])).toMatchObject({ id: 'patient' });
  });

  test('a job whose prompt an endpoint has goes there, whatever is loaded, and first of its priority', () => {
    const endpoints = [endpoint('idle', { checkpoint: 'B' }), endpoint('has-it', working('A'))];
    const waiting = [job('A'), job('B', { prefer: 'has-it', id: 'known' })];
    expect(assigned(endpoints, waiting)).toEqual({ id: 'known', endpoint: 'has-it' });
  });

  test('a job whose prompt an endpoint has waits for that one while it is full or not yet probed', () => {
    const waiting = [job('A', { prefer: 'has-it' })];
    expect(assigned([endpoint('idle'), endpoint('has-it', { ...working('A'), jobs: 2 })], waiting)).toBeNull();
    expect(assigned([endpoint('idle'), endpoint('has-it', { health: 'starting' })], waiting)).toBeNull();
    const dead = endpoint('has-it', { health: 'dead' });
    expect(assigned([endpoint('idle'), dead], waiting)).toMatchObject({ endpoint: 'idle' });
    expect(assigned([endpoint('idle')], waiting)).toMatchObject({ endpoint: 'idle' });
  });
});

describe('of several endpoints', () => {
  test('only one that serves the class and is alive is given the job', () => {
    const large = endpoint('large', { classes: ['any', '48gb'] });
    const waiting = [job('A', { gpuClass: '48gb' })];
    expect(assigned([endpoint('small'), large], waiting)).toMatchObject({ endpoint: 'large' });
    expect(assigned([endpoint('small'), { ...large, health: 'dead' }], waiting)).toBeNull();
  });

  test('one with the checkpoint is taken, else the least busy, else the one with the most free memory', () => {
    const withIt = [endpoint('a', { checkpoint: 'B' }), endpoint('b', { checkpoint: 'A' })];
    expect(assigned(withIt, [job('A')])).toMatchObject({ endpoint: 'b' });
    const busy = [endpoint('a', working('A', 2_000)), endpoint('b', working('A', 1_000))];
    expect(assigned(busy, [job('A')])).toMatchObject({ endpoint: 'b' });
    const empty = [endpoint('a', { vramFreeBytes: 8e9 }), endpoint('b', { vramFreeBytes: 16e9 })];
    expect(assigned(empty, [job('A')])).toMatchObject({ endpoint: 'b' });
  });

  test('none is given more than its places', () => {
    expect(assigned([endpoint('gpu', { ...working('A'), jobs: 2 })], [job('A')])).toBeNull();
  });

  test('an empty one takes the checkpoint with the most work for each endpoint that has it', () => {
    const waiting = [...jobs(9, 'A'), ...jobs(6, 'B')];
    const a = endpoint('a', { checkpoint: 'A', jobs: 2, remainingMs: 22_000 });
    const b = endpoint('b', { ...a, name: 'b', checkpoint: 'B' });
    expect(decided([a, endpoint('empty')], waiting).assignment?.job.checkpoint).toBe('B');
    expect(decided([a, b, endpoint('empty')], waiting).assignment?.job.checkpoint).toBe('A');
  });
});

describe('loading another checkpoint', () => {
  const other = (remainingMs: number) => endpoint('other', { checkpoint: 'B', jobs: 2, remainingMs });

  test('an idle endpoint does it when the others would come to the jobs later', () => {
    const waiting = jobs(2, 'B');
    const idle = endpoint('idle', { checkpoint: 'A', heldForMs: 800 });
    expect(assigned([other(5_100), idle], waiting)).toMatchObject({ endpoint: 'idle' });
    expect(decided([other(4_900), idle], waiting)).toEqual({
      assignment: null,
      holds: [{ endpoint: 'idle', forMs: 7_200 }],
    });
  });

  test('an idle endpoint does it after a load at the latest, however soon the others should be free', () => {
    const held = endpoint('idle', { checkpoint: 'A', heldForMs: 8_000 });
    expect(assigned([other(10), held], jobs(1, 'B'))).toMatchObject({ endpoint: 'idle' });
  });

  test('an idle endpoint does it at once when less urgent jobs wait behind', () => {
    const idle = endpoint('idle', { checkpoint: 'A' });
    expect(assigned([other(10), idle], [job('A'), job('B', { priority: 1, id: 'urgent' })])).toEqual({
      id: 'urgent',
      endpoint: 'idle',
    });
  });

  test('an idle endpoint sees a moment long whether jobs of its own come before it joins others for a few', () => {
    const idle = endpoint('idle', { checkpoint: 'A' });
    expect(decided([other(20_000), idle], jobs(3, 'B')).holds).toEqual([{ endpoint: 'idle', forMs: 250 }]);
    expect(assigned([other(20_000), { ...idle, heldForMs: 250 }], jobs(3, 'B'))).toMatchObject({ endpoint: 'idle' });
    expect(assigned([other(20_000), idle], jobs(4, 'B'))).toMatchObject({ endpoint: 'idle' });
  });

  test('a working endpoint puts it off until shortly before it is idle', () => {
    const waiting = jobs(9, 'B');
    expect(decided([endpoint('gpu', working('A', 2_000))], waiting)).toEqual({
      assignment: null,
      holds: [{ endpoint: 'gpu', forMs: 1_500 }],
    });
    expect(assigned([endpoint('gpu', working('A', 500))], waiting)).toMatchObject({ endpoint: 'gpu' });
  });

  test('a working endpoint leaves it to others that come to the jobs sooner', () => {
    const { assignment, holds } = decided([other(3_000), endpoint('gpu', working('A', 400))], jobs(1, 'B'));
    expect(assignment).toBeNull();
    expect(holds).toEqual([{ endpoint: 'gpu', forMs: undefined }]);
  });

  test('one of several endpoints changes sides when those of the other have far too much to do', () => {
    const endpoints = [1, 2, 3].map((n) => endpoint(`a${n}`, { ...working('A'), jobs: n === 1 ? 1 : 2 }));
    const b = other(3_000);
    const next = (own: number, others: number) =>
      decided([...endpoints, b], [...jobs(own, 'A'), ...jobs(others, 'B')]).assignment?.job.checkpoint;
    expect(next(4, 8)).toBe('B');
    expect(next(4, 7)).toBe('A');
    expect(next(1, 5)).toBe('A');
    expect(decided([endpoints[0]!, b], [...jobs(1, 'A'), ...jobs(20, 'B')]).assignment?.job.checkpoint).toBe('A');
  });
});

describe('whatever happens', () => {
  const jobArbitrary = fc.record({
    gpuClass: fc.constantFrom('any', 'large'),
    checkpoint: fc.constantFrom('A', 'B', 'C', null),
    priority: fc.integer({ min: 1, max: 3 }),
    owner: fc.constantFrom('x', 'y'),
    prefer: fc.option(fc.constantFrom('gpu-0', 'gpu-1'), { freq: 5 }),
  });
  const eventArbitrary = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('arrive' as const), job: jobArbitrary }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('end' as const), at: fc.nat({ max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat({ max: 9_000 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('turn' as const), at: fc.nat({ max: 3 }) }) },
  );

  /** Endpoints as the pool would keep them, with jobs that end when a test says so. */
  class Model {
    readonly endpoints: EndpointView[];
    readonly waiting: Named[] = [];
    readonly #owners = new Map<string, string[]>();

    constructor(count: number) {
      this.endpoints = Array.from({ length: count }, (_, n) => {
        this.#owners.set(`gpu-${n}`, []);
        return endpoint(`gpu-${n}`, { classes: n === 0 ? ['any', 'large'] : ['any'] });
      });
    }

    settle(): void {
      for (;;) {
        const jobsOf = (owner: string) => [...this.#owners.values()].flat().filter((one) => one === owner).length;
        const { assignment, holds } = decided(this.endpoints, this.waiting, { jobsOf });
        if (assignment === null) {
          for (const one of this.endpoints) {
            if (one.jobs > 0 || !holds.some((hold) => hold.endpoint === one.name)) one.heldForMs = 0;
          }
          return;
        }
        const { job: chosen, passedOver } = assignment;
        const to = this.endpoints.find(({ name }) => name === assignment.endpoint)!;
        expect(to.health).toBe('alive');
        expect(to.classes.includes(chosen.gpuClass) || chosen.prefer === to.name).toBe(true);
        const elsewhere = (one: Named) =>
          this.endpoints.some(({ name, health }) => name === one.prefer && health !== 'dead' && name !== to.name);
        const urgent = this.waiting.filter(
          (one) => one.priority < chosen.priority && to.classes.includes(one.gpuClass) && !elsewhere(one),
        );
        expect(urgent).toEqual([]);
        if (passedOver !== undefined) passedOver.passedOver += 1;
        expect(passedOver?.passedOver ?? 0).toBeLessThanOrEqual(mostOvertakes);
        this.waiting.splice(this.waiting.indexOf(chosen), 1);
        to.jobs += 1;
        expect(to.jobs).toBeLessThanOrEqual(2);
        to.remainingMs += to.runMs + (chosen.checkpoint === to.checkpoint ? 0 : to.loadMs);
        to.checkpoint = chosen.checkpoint ?? to.checkpoint;
        to.heldForMs = 0;
        this.#owners.get(to.name)!.push(chosen.owner);
      }
    }

    end(one: EndpointView | undefined): void {
      if (one === undefined || one.jobs === 0) return;
      one.jobs -= 1;
      one.remainingMs = one.jobs * one.runMs;
      this.#owners.get(one.name)!.shift();
    }

    pass(ms: number): void {
      for (const one of this.endpoints) {
        if (one.jobs === 0) one.heldForMs += ms;
        else one.remainingMs = Math.max(0, one.remainingMs - ms);
      }
    }
  }

  test('places are kept, urgent jobs go first, and every job is served', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(eventArbitrary, { maxLength: 120 }), (count, events) => {
        const model = new Model(count);
        for (const event of events) {
          if (event.kind === 'arrive') {
            const { prefer, ...rest } = event.job;
            model.waiting.push(job(null, { ...rest, ...(prefer !== null && { prefer }) }));
          } else if (event.kind === 'end') model.end(model.endpoints[event.at]);
          else if (event.kind === 'pass') model.pass(event.ms);
          else {
            const one = model.endpoints[event.at];
            if (one !== undefined) one.health = one.health === 'alive' ? 'dead' : 'alive';
          }
          model.settle();
        }
        for (const one of model.endpoints) one.health = 'alive';
        model.settle();
        for (let left = 2 * events.length; left > 0 && model.waiting.length > 0; left--) {
          if (model.endpoints.every(({ jobs }) => jobs === 0)) model.pass(8_000);
          else for (const one of model.endpoints) model.end(one);
          model.settle();
        }
        expect(model.waiting).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});
