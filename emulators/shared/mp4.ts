import type { H264Stream } from './h264.ts';

interface Mp4Video {
  stream: H264Stream;
  width: number;
  height: number;
  framesPerSecond: number;
  /** Says where the file comes from. */
  comment: string;
}

/** Ticks a second. */
const timescale = 1_000;
const matrix = [0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000];

/**
 * Puts a stream into an MP4 file that can be played while it loads.
 * @see https://www.iso.org/standard/83102.html (ISO/IEC 14496-12), and 14496-15 for `avcC`
 */
export function writeMp4(video: Mp4Video): Buffer {
  const samples = video.stream.frames.map((frame) => Buffer.concat([u32(frame.byteLength), frame]));
  const type = box('ftyp', ascii('isom'), u32(0x200), ascii('isomiso2avc1mp41'));
  const sizes = samples.map(({ byteLength }) => byteLength);
  const dataAt = type.byteLength + movie(video, sizes, 0).byteLength + 8;
  return Buffer.concat([type, movie(video, sizes, dataAt), box('mdat', ...samples)]);
}

function movie(video: Mp4Video, sizes: readonly number[], dataAt: number): Buffer {
  const { width, height, framesPerSecond, comment } = video;
  const ticks = timescale / framesPerSecond;
  const duration = sizes.length * ticks;
  const times = [u32(0, 0)];
  const movieHeader = full(
    'mvhd',
    0,
    ...times,
    u32(timescale, duration, 0x10000),
    u16(0x100, 0),
    u32(0, 0),
    u32(...matrix),
    u32(0, 0, 0, 0, 0, 0, 2),
  );
  const trackHeader = full(
    'tkhd',
    3,
    ...times,
    u32(1, 0, duration, 0, 0),
    u16(0, 0, 0, 0),
    u32(...matrix),
    u32(width << 16, height << 16),
  );
  const table = box(
    'stbl',
    full('stsd', 0, u32(1), sampleEntry(video)),
    full('stts', 0, u32(1, sizes.length, ticks)),
    full('stss', 0, u32(1, 1)),
    full('stsc', 0, u32(1, 1, sizes.length, 1)),
    full('stsz', 0, u32(0, sizes.length, ...sizes)),
    full('stco', 0, u32(1, dataAt)),
  );
  const media = box(
    'mdia',
    full('mdhd', 0, ...times, u32(timescale, duration), u16(0x55c4, 0)),
    full('hdlr', 0, u32(0), ascii('vide'), u32(0, 0, 0), ascii('VideoHandler\0')),
    box('minf', full('vmhd', 1, u16(0, 0, 0, 0)), box('dinf', full('dref', 0, u32(1), full('url ', 1))), table),
  );
  const said = ascii(comment);
  const notes = box('udta', box('\u00a9cmt', u16(said.byteLength, 0x55c4), said));
  return box('moov', movieHeader, box('trak', trackHeader, media), notes);
}

function sampleEntry({ stream: { sps, pps }, width, height }: Mp4Video): Buffer {
  const configuration = box(
    'avcC',
    Buffer.from([1, sps[1] ?? 0, sps[2] ?? 0, sps[3] ?? 0, 0xff, 0xe1]),
    u16(sps.byteLength),
    sps,
    Buffer.from([1]),
    u16(pps.byteLength),
    pps,
  );
  const resolution = u32(0x480000, 0x480000, 0);
  return box(
    'avc1',
    u16(0, 0, 0, 1, 0, 0),
    u32(0, 0, 0),
    u16(width, height),
    resolution,
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
    configuration,
  );
}

function box(type: string, ...parts: Buffer[]): Buffer {
  const size = parts.reduce((sum, { byteLength }) => sum + byteLength, 8);
  return Buffer.concat([u32(size), ascii(type), ...parts]);
}

function full(type: string, flags: number, ...parts: Buffer[]): Buffer {
  return box(type, u32(flags), ...parts);
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function u16(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, place) => bytes.writeUInt16BE(value, place * 2));
  return bytes;
}

function u32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, place) => bytes.writeUInt32BE(value, place * 4));
  return bytes;
}
