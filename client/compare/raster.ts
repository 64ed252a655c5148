import { PNG } from 'pngjs';
import { eachDot } from '../../domain/bitmap-font.ts';

/** Red, green and blue, 0 to 255. */
export type Color = readonly [number, number, number];

/** Pixels of a picture, four bytes each: red, green, blue, opacity. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/** A place on a raster, pixels. */
export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What lies behind see-through pixels: squares of light greys, 8 pixels a side. */
const behind = [255, 222] as const;

/** An opaque picture that is drawn on, white at first; what lies outside is clipped. */
export class Raster {
  readonly #image: PNG;

  constructor(width: number, height: number) {
    this.#image = new PNG({ width, height });
    this.#image.data.fill(255);
  }

  rect({ x, y, width, height }: Box, color: Color): void {
    const { width: across, height: down, data } = this.#image;
    const [left, right] = [Math.max(0, x), Math.min(across, x + width)];
    if (left >= right) return;
    const pixel = Buffer.from([...color, 255]);
    for (let row = Math.max(0, y); row < Math.min(down, y + height); row++) {
      data.fill(pixel, (row * across + left) * 4, (row * across + right) * 4);
    }
  }

  /** One line of text, each dot `scale` pixels wide and high. */
  text(x: number, y: number, line: string, scale: number, color: Color): void {
    eachDot(line, (column, row) => {
      this.rect({ x: x + column * scale, y: y + row * scale, width: scale, height: scale }, color);
    });
  }

  /**
   * A picture in the middle of a box: made smaller to fit, each pixel the average of those it touches,
   * or larger by a whole factor, so that pixel art stays sharp.
   */
  picture(box: Box, source: Pixels): void {
    const fit = Math.min(box.width / source.width, box.height / source.height);
    const factor = fit >= 1 ? Math.floor(fit) : fit;
    const width = Math.max(1, Math.floor(source.width * factor));
    const height = Math.max(1, Math.floor(source.height * factor));
    const left = box.x + ((box.width - width) >> 1);
    const top = box.y + ((box.height - height) >> 1);
    const { width: across, height: down, data } = this.#image;
    for (let y = 0; y < height && top + y < down; y++) {
      const rows = range(y, height, source.height);
      for (let x = 0; x < width && left + x < across; x++) {
        const back = behind[((x >> 3) + (y >> 3)) & 1] ?? 255;
        average(source, range(x, width, source.width), rows, back, data, ((top + y) * across + left + x) * 4);
      }
    }
  }

  /** Takes seconds for the largest pictures. */
  toPng(): Buffer {
    // Measured on generated pictures: half the time and a fifth of the size of the library's defaults.
    return PNG.sync.write(this.#image, { colorType: 2, filterType: 4, deflateLevel: 6, deflateStrategy: 0 });
  }
}

/** The pixels of a side of `from` that pixel `n` of a side of `to` touches: at least one. */
function range(n: number, to: number, from: number): readonly [number, number] {
  return [Math.floor((n * from) / to), Math.ceil(((n + 1) * from) / to)];
}

/** Writes the average of some pixels of a picture, laid over a grey, to `into`. */
function average(
  { width, data }: Pixels,
  [left, right]: readonly [number, number],
  [top, bottom]: readonly [number, number],
  back: number,
  into: Uint8Array,
  at: number,
): void {
  let [red, green, blue, opacity] = [0, 0, 0, 0];
  for (let y = top; y < bottom; y++) {
    for (let place = (y * width + left) * 4; place < (y * width + right) * 4; place += 4) {
      const alpha = data[place + 3] ?? 0;
      red += (data[place] ?? 0) * alpha;
      green += (data[place + 1] ?? 0) * alpha;
      blue += (data[place + 2] ?? 0) * alpha;
      opacity += alpha;
    }
  }
  const whole = (bottom - top) * (right - left) * 255;
  const rest = back * (whole - opacity);
  into[at] = Math.round((red + rest) / whole);
  into[at + 1] = Math.round((green + rest) / whole);
  into[at + 2] = Math.round((blue + rest) / whole);
}
