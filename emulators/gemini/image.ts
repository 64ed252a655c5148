import { advance, lineHeight } from '../../domain/bitmap-font.ts';
import { printable, wrapText } from '../../domain/text-lines.ts';
import { Canvas } from '../shared/canvas.ts';
import { hsl } from '../shared/color.ts';
import { encodePng } from '../shared/png.ts';
import { randomStream } from '../shared/random.ts';

const mark = 'EMULATED - NOT A GEMINI IMAGE';

export interface Picture {
  prompt: string;
  seed: number | null;
  /** Pixels. */
  width: number;
  height: number;
  /** Hashes of the source images, so that an edit looks different from its source. */
  sources: readonly string[];
}

/** Places in the palette. */
export const color = {
  sky: 0,
  skyBands: 6,
  accent: 6,
  accents: 5,
  panel: 11,
  ink: 12,
  faint: 13,
  markBack: 14,
  markInk: 15,
};

/**
 * A picture that says what it was asked for: a scene whose colours and shapes follow from prompt and seed,
 * the prompt and the seed in words, and a mark that it is emulated. The same input gives the same bytes.
 */
export function renderImage(picture: Picture): Buffer {
  const random = randomStream('image', picture.prompt, picture.seed, ...picture.sources);
  const canvas = new Canvas(picture.width, picture.height);
  const palette = makePalette(random);
  drawScene(canvas, random);
  drawMark(canvas, mark);
  drawCaption(canvas, picture);
  return encodePng(canvas.toImage(palette), {
    Software: 'Sluice Gemini emulator',
    Comment: mark,
    prompt: picture.prompt,
    seed: `${picture.seed ?? 'none'}`,
  });
}

export function makePalette(random: () => number): [number, number, number][] {
  const hue = random() * 360;
  const accentHue = hue + 90 + random() * 180;
  const sky = Array.from({ length: color.skyBands }, (_, band) => hsl(hue + band * 7, 0.55, 0.42 + band * 0.075));
  const accents = Array.from({ length: color.accents }, (_, n) => hsl(accentHue + n * 18, 0.6, 0.38 + n * 0.09));
  const fixed: [number, number, number][] = [hsl(hue, 0.35, 0.12), hsl(hue, 0.3, 0.96), hsl(hue, 0.3, 0.72)];
  return [...sky, ...accents, ...fixed, [255, 204, 0], [30, 26, 0]];
}

export function drawScene(canvas: Canvas, random: () => number): void {
  const { width, height } = canvas;
  const unit = Math.min(width, height);
  const between = (low: number, high: number) => Math.round(low + random() * (high - low));
  const accent = () => color.accent + Math.floor(random() * color.accents);

  const band = Math.ceil(height / color.skyBands);
  for (let n = 0; n < color.skyBands; n++) canvas.rect(0, n * band, width, band, color.sky + n);
  canvas.disc(
    between(width * 0.15, width * 0.85),
    between(height * 0.2, height * 0.4),
    between(unit * 0.07, unit * 0.16),
    accent(),
  );

  const kind = Math.floor(random() * 3);
  for (let n = 0; n < 7; n++) {
    const x = between(0, width);
    if (kind === 0) {
      canvas.peak(x, between(height * (0.28 + n * 0.05), height * (0.4 + n * 0.05)), 0.5 + random(), accent());
    } else if (kind === 1) {
      const wide = between(unit * 0.08, unit * 0.2);
      const tall = between(height * 0.35, height * (0.75 - n * 0.05));
      canvas.rect(x - (wide >> 1), height - tall, wide, tall, accent());
    } else {
      const y = between(height * 0.2, height * 0.8);
      const radius = between(unit * 0.05, unit * 0.18);
      canvas.disc(x, y, radius, accent());
      if (random() < 0.5)
        canvas.disc(x, y, Math.round(radius * 0.6), color.sky + Math.floor(random() * color.skyBands));
    }
  }
}

export function drawMark(canvas: Canvas, mark: string): void {
  const scale = Math.max(1, Math.floor(canvas.width / (mark.length * advance * 1.35)));
  const height = (lineHeight + 5) * scale;
  canvas.rect(0, 0, canvas.width, height, color.markBack);
  const left = Math.floor((canvas.width - mark.length * advance * scale) / 2);
  canvas.text(left, 4 * scale, mark, scale, color.markInk);
}

export function drawCaption(canvas: Canvas, { prompt, seed, sources }: Picture): void {
  const largest = Math.max(2, Math.floor(Math.min(canvas.width, canvas.height) / 190));
  const padding = 6 * largest;
  const across = (scale: number) => Math.floor((canvas.width - 2 * padding) / (advance * scale));
  const words = printable(prompt.slice(0, 4_000));
  const room = canvas.height * 0.5;
  let scale = largest;
  let lines = wrapText(words, across(scale));
  while (scale > 2 && lines.length * lineHeight * scale > room) {
    scale -= 1;
    lines = wrapText(words, across(scale));
  }
  const most = Math.floor(room / (lineHeight * scale));
  if (lines.length > most) lines = [...lines.slice(0, most - 1), `${lines[most - 1]?.slice(0, -3)}...`];

  const footScale = Math.max(2, largest - 2);
  const foot = `seed ${seed ?? 'none'}${sources.length === 0 ? '' : `, from ${sources.length} image(s)`}`;
  const step = lineHeight * scale;
  const top = canvas.height - lines.length * step - lineHeight * footScale - 2 * padding;
  canvas.rect(0, top, canvas.width, canvas.height - top, color.panel);
  lines.forEach((line, n) => canvas.text(padding, top + padding + n * step, line, scale, color.ink));
  canvas.text(padding, canvas.height - padding - (lineHeight - 3) * footScale, foot, footScale, color.faint);
}
