import { expect, it } from 'vitest';
import { fitLines, layOut } from '../../../client/compare/layout.ts';

const labels = (count: number, label = 'label') =>
  Array.from({ length: count }, (_, n) => ({ label: `${label} ${n}` }));
const of = (rows: number, columns: number, width: number, height = width) =>
  layOut({ title: 'Title', rows: labels(rows), columns: labels(columns), largest: { width, height } });

it('gives cells the size of the largest picture where there is room', () => {
  expect(of(3, 3, 1_024)).toMatchObject({ cell: { width: 1_024, height: 1_024 }, scaled: false, notes: [] });
});

it('enlarges small pictures by a whole factor', () => {
  expect(of(3, 3, 48).cell).toEqual({ width: 240, height: 240 });
});

it.each([
  [20, 12, 1_024, 1_024],
  [1, 30, 2_048, 512],
  [40, 2, 512, 2_048],
  [30, 30, 4_000, 4_000],
])('scales %d by %d pictures of %d by %d down to its bounds and leaves none out', (rows, columns, width, height) => {
  const layout = of(rows, columns, width, height);
  expect(layout).toMatchObject({ rows, columns, scaled: true });
  expect(layout.width * layout.height).toBeLessThanOrEqual(16_000_000);
  expect(Math.max(layout.width, layout.height)).toBeLessThanOrEqual(8_192);
  expect(layout.notes.join(' ')).toContain(`the largest picture has ${width} x ${height}`);
});

it.each([
  [5_000, 3, 3],
  [2, 400, 77],
  [1_000, 1_000, 40],
])('leaves the last of %d rows and %d columns out where not even small cells have room', (rows, columns, drawn) => {
  const layout = of(rows, columns, 1_024);
  expect(layout.columns).toBeGreaterThanOrEqual(Math.min(columns, drawn) - 5);
  expect(layout.rows).toBeGreaterThan(0);
  expect(layout.rows * layout.columns).toBeLessThan(rows * columns);
  expect(layout.rows * layout.columns).toBeGreaterThan(60);
  expect(layout.width * layout.height).toBeLessThanOrEqual(16_000_000);
  expect(Math.max(layout.width, layout.height)).toBeLessThanOrEqual(8_192);
  expect(layout.notes.join(' ')).toContain(
    `Only the first ${layout.rows} of ${rows} rows and ${layout.columns} of ${columns} columns`,
  );
});

it('cuts long labels and says that there is more', () => {
  const long = layOut({ title: 'T', rows: labels(1), columns: labels(2, 'word '.repeat(500)), largest: null });
  expect(long.headers[0]).toHaveLength(3);
  expect(long.headers[0]?.[2]).toMatch(/\.\.\.$/);
});

it('breaks a text into lines as wide as the room, also inside long words and beside characters it cannot draw', () => {
  expect(fitLines('one two three', 7, 5)).toEqual(['one two', 'three']);
  expect(fitLines('abcdefghij', 4, 5)).toEqual(['abcd', 'efgh', 'ij']);
  expect(fitLines('é 🐉 x', 9, 1)).toEqual(['e \uFFFD x']);
  expect(fitLines('ab', 0, 1)).toEqual(['...']);
});
