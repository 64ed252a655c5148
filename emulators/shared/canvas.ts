import { glyph, glyphHeight, glyphWidth } from './font.ts';
import type { IndexedImage } from './png.ts';

/** Width of one character with its gap, in dots; and the height of a line with its leading. */
export const advance = glyphWidth + 1;
export const lineHeight = glyphHeight + 3;

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
    const columns = [...line].map(glyph);
    for (let dotRow = 0; dotRow < glyphHeight; dotRow++) {
      const top = y + dotRow * scale;
      columns.forEach((column, place) => {
        for (let dot = 0; dot < glyphWidth; dot++) {
          if ((((column[dot] ?? 0) >> dotRow) & 1) === 0) continue;
          const left = x + (place * advance + dot) * scale;
          for (let row = top; row < top + scale; row++) this.span(row, left, left + scale, color);
        }
      });
    }
  }
}
