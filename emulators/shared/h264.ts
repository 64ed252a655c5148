import { BitWriter } from './bit-writer.ts';

/** A picture in YCbCr 4:2:0, limited range; width and height are multiples of 16. */
export interface PlanarFrame {
  luma: Uint8Array;
  /** Of half the width and height. */
  cb: Uint8Array;
  cr: Uint8Array;
}

export interface H264Stream {
  sps: Buffer;
  pps: Buffer;
  /** One unit a frame; the first is complete in itself. */
  frames: Buffer[];
}

const block = 16;
const nal = { slice: 0x41, idrSlice: 0x65, sps: 0x67, pps: 0x68 };

/**
 * Encodes frames as H.264 of the baseline profile in the simplest way there is: a macroblock that changed is sent
 * as its plain samples (I_PCM), one that did not is skipped. Small where little moves, and playable everywhere.
 *
 * @see https://www.itu.int/rec/T-REC-H.264 clauses 7.3.2 to 7.3.5
 */
export function encodeH264(frames: readonly PlanarFrame[], width: number, height: number): H264Stream {
  const across = width / block;
  const down = height / block;
  const sps = new BitWriter()
    .bits(66, 8) // baseline profile
    .bits(0b11000000, 8) // and what the constrained one allows
    .bits(30, 8) // level 3.0
    .ue(0) // id
    .ue(0) // frame numbers of 4 bits
    .ue(2) // pictures are shown in the order they come
    .ue(1) // reference frames
    .bits(0, 1)
    .ue(across - 1)
    .ue(down - 1)
    .bits(0b1100, 4) // frames only, 8×8 inference, no cropping, no usability information
    .end();
  const pps = new BitWriter()
    .ue(0) // id
    .ue(0) // of the sequence above
    .bits(0b00, 2) // CAVLC
    .ue(0) // one slice group
    .ue(0)
    .ue(0)
    .bits(0b000, 3)
    .ue(0)
    .ue(0)
    .ue(0) // quantisers: nothing is quantised
    .bits(0b100, 3) // slices say how they are deblocked
    .end();
  let before: Buffer[] | null = null;
  const slices = frames.map((frame, number) => {
    const blocks = macroblocks(frame, { across, down });
    const bytes = slice(blocks, before, number);
    before = blocks;
    return bytes;
  });
  return { sps: unit(nal.sps, sps), pps: unit(nal.pps, pps), frames: slices };
}

function slice(blocks: readonly Buffer[], before: readonly Buffer[] | null, number: number): Buffer {
  const writer = new BitWriter()
    .ue(0) // from the first macroblock on
    .ue(before === null ? 7 : 5) // intra, or predicted
    .ue(0)
    .bits(number % 16, 4);
  if (before === null) writer.ue(0).bits(0b00, 2);
  else writer.bits(0b000, 3);
  writer.ue(0).ue(1); // quantiser unchanged, no deblocking
  let skipped = 0;
  for (const [place, samples] of blocks.entries()) {
    if (before?.[place]?.equals(samples) === true) {
      skipped += 1;
      continue;
    }
    if (before !== null) writer.ue(skipped);
    skipped = 0;
    writer
      .ue(before === null ? 25 : 30)
      .align()
      .raw(samples);
  }
  if (before !== null && skipped > 0) writer.ue(skipped);
  return unit(before === null ? nal.idrSlice : nal.slice, writer.end());
}

/** Samples of each macroblock, row by row: 16×16 of luma, then 8×8 of each colour. */
function macroblocks({ luma, cb, cr }: PlanarFrame, { across, down }: { across: number; down: number }): Buffer[] {
  return Array.from({ length: across * down }, (_, place) => {
    const samples = Buffer.alloc(block * block * 1.5);
    let to = 0;
    for (const [plane, size] of [[luma, block] as const, [cb, block / 2] as const, [cr, block / 2] as const]) {
      const from = Math.floor(place / across) * size * across * size + (place % across) * size;
      for (let y = 0; y < size; y++, to += size) {
        samples.set(plane.subarray(from + y * across * size, from + y * across * size + size), to);
      }
    }
    return samples;
  });
}

/** A header byte and the payload, in which no start code may appear. */
function unit(header: number, payload: Buffer): Buffer {
  const bytes: number[] = [header];
  let zeros = 0;
  for (const byte of payload) {
    if (zeros >= 2 && byte <= 3) {
      bytes.push(3);
      zeros = 0;
    }
    bytes.push(byte);
    zeros = byte === 0 ? zeros + 1 : 0;
  }
  return Buffer.from(bytes);
}
