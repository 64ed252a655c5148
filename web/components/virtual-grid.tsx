import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

interface VirtualGridProps {
  count: number;
  /** What the list is, for screen readers. */
  label: string;
  /** Narrowest a column may be, pixels; Infinity: one column, a list. */
  minColumnPx: number;
  /** Of one row, gap included, pixels: a number, or worked out from the width of a column. */
  rowPx: number | ((columnPx: number) => number);
  gapPx: number;
  render: (index: number) => ComponentChildren;
  /** What stays the same when the list changes around it. */
  keyOf: (index: number) => string;
}

/** Rows drawn beyond what is seen, above and below. */
const spareRows = 3;

interface Look {
  columns: number;
  columnPx: number;
  firstRow: number;
  lastRow: number;
}

/**
 * A list or grid that scrolls with the page and draws only what is seen: ten thousand items cost as much as
 * forty. Rows have one height, so nothing is measured but the width.
 */
export function VirtualGrid({ count, label, minColumnPx, rowPx, gapPx, render, keyOf }: VirtualGridProps) {
  const element = useRef<HTMLDivElement>(null);
  const [look, setLook] = useState<Look>({ columns: 1, columnPx: 0, firstRow: 0, lastRow: 0 });
  const heightOf = (columnPx: number): number => (typeof rowPx === 'number' ? rowPx : rowPx(columnPx));

  useLayoutEffect(() => {
    const box = element.current;
    if (box === null) return;
    const measure = (): void => {
      const { top, width } = box.getBoundingClientRect();
      const columns = Math.max(1, Math.floor((width + gapPx) / (minColumnPx + gapPx)));
      const columnPx = (width - gapPx * (columns - 1)) / columns;
      const height = heightOf(columnPx);
      const rows = Math.ceil(count / columns);
      const firstRow = Math.min(Math.max(0, Math.floor(-top / height) - spareRows), Math.max(0, rows - 1));
      const lastRow = Math.min(rows, Math.ceil((window.innerHeight - top) / height) + spareRows);
      setLook((before) =>
        before.columns === columns &&
        before.columnPx === columnPx &&
        before.firstRow === firstRow &&
        before.lastRow === lastRow
          ? before
          : { columns, columnPx, firstRow, lastRow },
      );
    };
    const resized = new ResizeObserver(measure);
    resized.observe(box);
    // What is above may grow and push the list down.
    resized.observe(document.body);
    window.addEventListener('scroll', measure, { passive: true });
    measure();
    return () => {
      resized.disconnect();
      window.removeEventListener('scroll', measure);
    };
  }, [count, minColumnPx, gapPx, rowPx]);

  const { columns, columnPx, firstRow, lastRow } = look;
  const height = heightOf(columnPx);
  const from = firstRow * columns;
  const to = Math.min(count, Math.max(lastRow, firstRow) * columns);
  return (
    <div
      ref={element}
      role="list"
      aria-label={label}
      class="virtual"
      style={{ height: `${String(Math.max(0, Math.ceil(count / columns) * height - gapPx))}px` }}
    >
      {Array.from({ length: Math.max(0, to - from) }, (_, offset) => {
        const index = from + offset;
        const left = (index % columns) * (columnPx + gapPx);
        const style = {
          transform: `translate(${String(left)}px, ${String(Math.floor(index / columns) * height)}px)`,
          width: `${String(columnPx)}px`,
          height: `${String(height - gapPx)}px`,
        };
        return (
          <div key={keyOf(index)} role="listitem" aria-setsize={count} aria-posinset={index + 1} style={style}>
            {render(index)}
          </div>
        );
      })}
    </div>
  );
}
