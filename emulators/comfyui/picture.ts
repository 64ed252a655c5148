import { advance, lineHeight } from '../../domain/bitmap-font.ts';
import { Canvas } from '../shared/canvas.ts';
import { hsl } from '../shared/color.ts';
import { compressRows, encodePng, type IndexedImage } from '../shared/png.ts';
import { randomStream } from '../shared/random.ts';

/** What determines a picture's pixels. */
export interface Picture {
  width: number;
  height: number;
  /** Null for a plain square of `color`. */
  sprite: { prompt: string; negative: string; seed: number; index: number; model: string } | null;
  /** 0xRRGGBB. */
  color: number;
}

const mark = 'EMULATED COMFYUI';
const paint = { background: 0, dark: 1, body: 2, light: 3, ink: 4, mark: 5 };

const prepared = new WeakMap<Picture, IndexedImage>();

/** A PNG with the given text chunks; the same picture gives the same bytes. */
export function renderPicture(picture: Picture, texts: Record<string, string>): Buffer {
  return encodePng(preparePicture(picture), texts);
}

/**
 * Does what costs time ahead: while a GPU is at work our own processor has nothing to do, and the measured
 * times are those of whole prompts, saving included.
 */
export function preparePicture(picture: Picture): IndexedImage {
  const image = prepared.get(picture) ?? draw(picture);
  image.compressed ??= compressRows(image.rows);
  prepared.set(picture, image);
  return image;
}

function draw({ width, height, sprite, color }: Picture): IndexedImage {
  const canvas = new Canvas(width, height);
  if (sprite === null) return canvas.toImage([[(color >> 16) & 255, (color >> 8) & 255, color & 255]]);
  const random = randomStream('sprite', sprite.prompt, sprite.negative, sprite.seed, sprite.index, sprite.model);
  const hue = random() * 360;
  drawSprite(canvas, random);
  const scale = Math.max(1, Math.floor(Math.min(width, height) / 260));
  canvas.rect(0, 0, width, lineHeight * scale + 2, paint.mark);
  canvas.text(scale, scale, mark, scale, paint.ink);
  const room = Math.floor(width / (advance * scale)) - 1;
  const caption = `${sprite.seed}.${sprite.index} ${sprite.prompt.replaceAll(/\s+/g, ' ')}`.slice(0, Math.max(0, room));
  canvas.text(scale, height - lineHeight * scale, caption, scale, paint.ink);
  return canvas.toImage([
    hsl(hue + 180, 0.2, 0.9),
    hsl(hue, 0.6, 0.2),
    hsl(hue, 0.65, 0.5),
    hsl(hue + 30, 0.7, 0.75),
    hsl(hue, 0.3, 0.1),
    hsl(48, 1, 0.5),
  ]);
}

/** Cells mirrored left to right, as sprites of creatures are. */
function drawSprite(canvas: Canvas, random: () => number): void {
  const cells = 12;
  const cell = Math.max(1, Math.floor((Math.min(canvas.width, canvas.height) * 0.7) / cells));
  const left = (canvas.width - cells * cell) >> 1;
  const top = (canvas.height - cells * cell) >> 1;
  for (let y = 0; y < cells; y++) {
    for (let x = 0; x < cells / 2; x++) {
      const inner = 1 - Math.hypot(x - cells / 2, y - cells / 2) / cells;
      if (random() > inner + 0.15) continue;
      const color = paint.dark + Math.floor(random() * 3);
      canvas.rect(left + x * cell, top + y * cell, cell, cell, color);
      canvas.rect(left + (cells - 1 - x) * cell, top + y * cell, cell, cell, color);
    }
  }
}
