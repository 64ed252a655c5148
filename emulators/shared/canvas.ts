import { eachDot } from '../../domain/bitmap-font.ts';
import type { IndexedImage } from './png.ts';

/** Draws spans of palette colours straight into the rows a PNG is made of; what lies outside is clipped. */
export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly rows: Uint8Array;
  readonly #stride: number;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.#stride = width + 1;
    this.rows = new Uint8Array(this.#stride * height);
  }

  toImage(palette: IndexedImage['palette']): IndexedImage {
    return { width: this.width, height: this.height, rows: this.rows, palette };
  }

  span(y: number, from: number, to: number, color: number): void {
    if (y < 0 || y >= this.height) return;
    const start = y * this.#stride + 1;
    this.rows.fill(color, start + Math.max(0, from), start + Math.min(this.width, Math.max(0, to)));
  }

  rect(x: number, y: number, width: number, height: number, color: number): void {
    for (let row = y; row < y + height; row++) this.span(row, x, x + width, color);
  }

  disc(centerX: number, centerY: number, radius: number, color: number): void {
    for (let dy = -radius; dy <= radius; dy++) {
      const half = Math.round(Math.sqrt(radius * radius - dy * dy));
      this.span(centerY + dy, centerX - half, centerX + half, color);
    }
  }

  /** A mountain: `slope` is half its width over its height. */
  peak(centerX: number, top: number, slope: number, color: number): void {
    for (let y = Math.max(0, top); y < this.height; y++) {
      const half = Math.round((y - top) * slope);
      this.span(y, centerX - half, centerX + half, color);
    }
  }

  /** One line of text, each dot `scale` pixels wide and high. */
  text(x: number, y: number, line: string, scale: number, color: number): void {
    eachDot(line, (column, row) => this.rect(x + column * scale, y + row * scale, scale, scale, color));
  }
}
