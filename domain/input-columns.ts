/** The columns Sluice gives a meaning to, each with the names a file may use for it. */
const aliases = {
  id: ['id', 'item_id', 'record_id'],
  prompt: ['prompt'],
  output_name: ['output_name', 'output_filename', 'filename'],
  seed: ['seed', 'random_seed'],
  quality: ['quality'],
  aspect_ratio: ['aspect_ratio', 'ratio'],
  negative_prompt: ['negative_prompt', 'negative'],
  from_image: ['from_image', 'source_image'],
  media_type: ['media_type', 'type'],
  image_model: ['image_model', 'model'],
  video_model: ['video_model'],
} as const;

export type KnownColumn = keyof typeof aliases;

const knownColumns = new Map<string, KnownColumn>();
for (const column of Object.keys(aliases) as KnownColumn[]) {
  for (const alias of aliases[column]) knownColumns.set(alias, column);
}

/** `Aspect Ratio`, ` aspect-ratio` and `ASPECT_RATIO` are one column: `aspect_ratio`. */
export function normaliseColumn(name: string): string {
  return name
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/[\s-]+/gu, '_');
}

/** The column a normalised name stands for; undefined: Sluice gives it no meaning. */
export function knownColumn(normalised: string): KnownColumn | undefined {
  return knownColumns.get(normalised);
}
