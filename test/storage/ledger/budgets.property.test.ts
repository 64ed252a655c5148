import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costQuerySchema } from '../../../domain/costs.ts';
import { Ledger, type Reservation } from '../../../storage/ledger/ledger.ts';

const usage = { inputTokens: 0, outputTokens: 0, images: 0 };
/** Cents, so that sums are exact. */
const cents = fc.integer({ min: 1, max: 40 });

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('call' as const), batch: fc.nat(3), expected: cents, actual: cents }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), worker: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 50_000 }) }),
  },
);

interface Open {
  worker: number;
  project: string;
  reservation: Reservation;
  expected: number;
  actual: number;
}

/**
 * Two projects of two batches each, on two workers that share a file. The model beside the ledger is plain
 * arithmetic: what was settled or presumed, and what is under way.
 */
test('batches that share budgets never exceed them together by more than what was in flight, and nothing spent is lost', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 20, max: 300 }),
      fc.integer({ min: 20, max: 300 }),
      fc.array(step, { maxLength: 80 }),
      (projectCap, dayCap, steps) => {
        const directory = mkdtempSync(join(tmpdir(), 'sluice-ledger-'));
        const path = join(directory, 'ledger.sqlite');
        let ms = Date.parse('2026-11-25T00:00:00Z');
        const openLedger = () => new Ledger({ path, now: () => ms });
        const workers = [openLedger(), openLedger()];
        workers[0]?.changeBudgets({ day_usd: dayCap / 100, project: { name: 'p0', total_usd: projectCap / 100 } });
        let underWay: Open[] = [];
        const spentBy = { p0: 0, p1: 0 } as Record<string, number>;
        const ofDay = new Map<string, number>();
        let excess = 0;
        try {
          for (const [number, now] of steps.entries()) {
            if (now.do === 'wait') {
              // Workers that live renew their reservations; a wait over midnight needs none under way.
              for (let left = underWay.length > 0 ? now.seconds % 60 : now.seconds; left > 0; left -= 20) {
                ms += (underWay.length > 0 ? Math.min(20, left) : left) * 1_000;
                if (underWay.length === 0) break;
                for (const worker of workers) worker.standings('live');
              }
            }
            const day = new Date(ms).toISOString().slice(0, 10);
            const spend = (project: string, amount: number, on = day): void => {
              spentBy[project] = (spentBy[project] ?? 0) + amount;
              ofDay.set(on, (ofDay.get(on) ?? 0) + amount);
            };
            if (now.do === 'call') {
              const project = `p${String(now.batch % 2)}`;
              const worker = number % 2;
              const account = { mode: 'live', project, batch: `b${String(now.batch)}`, model: 'm' } as const;
              const reserved = (of: Open[]): number => of.reduce((sum, { expected }) => sum + expected, 0);
              const verdict = workers[worker]?.reserve(`call ${String(number)}`, account, now.expected / 100);
              const spentToday = (ofDay.get(day) ?? 0) + reserved(underWay);
              const spentOfP0 = (spentBy['p0'] ?? 0) + reserved(underWay.filter((open) => open.project === 'p0'));
              // Calls of the day before that are under way count for their own day, so only an upper bound is sure.
              if (verdict?.verdict === 'go') {
                if (project === 'p0') expect(spentOfP0 + now.expected).toBeLessThanOrEqual(projectCap);
                underWay.push({ worker, project, reservation: verdict.reservation, ...now });
              } else {
                const fits = spentToday + now.expected <= dayCap;
                expect(fits && (project !== 'p0' || spentOfP0 + now.expected <= projectCap)).toBe(false);
              }
            }
            if (now.do === 'settle' && underWay.length > 0) {
              const [open] = underWay.splice(now.which % underWay.length, 1);
              open?.reservation.settle({ costUsd: open.actual / 100, usage });
              open?.reservation.settle({ costUsd: open.actual / 100, usage });
              if (open !== undefined) {
                spend(open.project, open.actual);
                excess += Math.max(0, open.actual - open.expected);
              }
            }
            if (now.do === 'die') {
              workers[now.worker]?.close();
              workers[now.worker] = openLedger();
              for (const open of underWay.filter(({ worker }) => worker === now.worker))
                spend(open.project, open.expected);
              underWay = underWay.filter(({ worker }) => worker !== now.worker);
            }
            expect(spentBy['p0']).toBeLessThanOrEqual(projectCap + excess);
          }
          const { rows } = openLedgerCosts(workers[0]);
          for (const project of ['p0', 'p1']) {
            const told = rows.find(({ key }) => key === project)?.cost_usd ?? 0;
            expect(Math.round(told * 100)).toBe(spentBy[project]);
          }
        } finally {
          for (const worker of workers) worker.close();
          rmSync(directory, { recursive: true, force: true });
        }
      },
    ),
    { numRuns: 40 },
  );
});

function openLedgerCosts(ledger: Ledger | undefined) {
  if (ledger === undefined) throw new Error('no ledger');
  return ledger.costs(costQuerySchema.parse({ by: 'project' }));
}
