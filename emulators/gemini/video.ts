import { Canvas } from '../shared/canvas.ts';
import { encodeH264, type PlanarFrame } from '../shared/h264.ts';
import { writeMp4 } from '../shared/mp4.ts';
import { randomStream } from '../shared/random.ts';
import { color, drawCaption, drawMark, drawScene, makePalette } from './image.ts';
import type { VideoOperation } from './video-operation.ts';

const mark = 'EMULATED VIDEO';
const framesPerSecond = 8;
const long = 256;
const short = 144;

/**
 * A real MP4 of the length asked for: a scene whose colours and shapes follow from prompt and seed, a ball that
 * crosses it, the prompt in words, and a mark that it is emulated. The same operation gives the same bytes.
 */
export function renderVideo({
  prompt,
  seed,
  seconds,
  portrait,
}: Omit<VideoOperation, 'doneAt' | 'end' | 'call'>): Buffer {
  const [width, height] = portrait ? [short, long] : [long, short];
  const picture = { prompt, seed, width, height, sources: [] };
  const random = randomStream('video', prompt, seed);
  const palette = makePalette(random);
  const scene = new Canvas(width, height);
  drawScene(scene, random);
  const count = Math.round(seconds * framesPerSecond);
  const frames = Array.from({ length: count }, (_, number) => {
    const canvas = new Canvas(width, height);
    canvas.rows.set(scene.rows);
    const along = number / count;
    canvas.disc(
      Math.round(along * width),
      Math.round(height * (0.35 - 0.1 * Math.sin(along * Math.PI * 6))),
      7,
      color.ink,
    );
    drawMark(canvas, mark);
    drawCaption(canvas, picture);
    return planar(canvas, palette);
  });
  const comment = `${mark}: made by Sluice's emulator, not by Veo`;
  return writeMp4({ stream: encodeH264(frames, width, height), width, height, framesPerSecond, comment });
}

/** @see https://www.itu.int/rec/R-REC-BT.601 */
function planar({ width, height, rows }: Canvas, palette: readonly (readonly [number, number, number])[]): PlanarFrame {
  const y = Uint8Array.from(palette, ([r, g, b]) => Math.round(16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256));
  const blue = Float32Array.from(palette, ([r, g, b]) => 128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256);
  const red = Float32Array.from(palette, ([r, g, b]) => 128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256);
  const luma = new Uint8Array(width * height);
  const cb = new Uint8Array(luma.length / 4);
  const cr = new Uint8Array(luma.length / 4);
  const stride = width + 1;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      luma[row * width + column] = y[rows[row * stride + 1 + column] ?? 0] ?? 0;
    }
  }
  for (let row = 0; row < height / 2; row++) {
    for (let column = 0; column < width / 2; column++) {
      const from = 2 * row * stride + 1 + 2 * column;
      const place = (row * width) / 2 + column;
      cb[place] = Math.round(meanOf(blue, rows, from, stride));
      cr[place] = Math.round(meanOf(red, rows, from, stride));
    }
  }
  return { luma, cb, cr };
}

/** Mean of four neighbouring pixels. */
function meanOf(values: Float32Array, rows: Uint8Array, from: number, stride: number): number {
  const at = (place: number): number => values[rows[place] ?? 0] ?? 0;
  return (at(from) + at(from + 1) + at(from + stride) + at(from + stride + 1)) / 4;
}
