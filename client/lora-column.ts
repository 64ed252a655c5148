import { dirname, join } from 'node:path';
import { findTargets } from '../domain/comfy-targets.ts';
import { findProfile, loadProfiles } from './profiles.ts';
import { readGraphFile } from './graph-files.ts';
import type { SpriteOptions } from './sprites.ts';

/** A LoRA as the server calls it. */
export interface LoraChoice {
  name: string;
  strength?: number;
}

/** The shipped graph without a LoRA loader, and its twin with one. */
const plainGraph = 'sdxl-sprite';
const loraGraph = 'sdxl-sprite-lora.json';

/**
 * What a column of a comparison of LoRAs is made with. Without a LoRA the graph's own loader gets strength 0,
 * which ComfyUI takes for none. Where a profile has the shipped graph without a loader, LoRAs go to its twin.
 *
 * @param lora null: none
 */
export async function loraColumn(
  home: string,
  options: Pick<SpriteOptions, 'graph' | 'profile'>,
  lora: LoraChoice | null,
): Promise<{ label: string; options: Pick<SpriteOptions, 'graph' | 'loras'> }> {
  const profile = findProfile(await loadProfiles(home), options.profile);
  const { graph } = await readGraphFile(options.graph ?? profile.graphPath);
  const own = findTargets(graph).find(({ parameter }) => parameter === 'lora')?.value;
  if (lora === null) {
    return { label: 'none', options: { loras: typeof own === 'string' ? [{ name: own, strength: 0 }] : [] } };
  }
  const label = lora.strength === undefined ? lora.name : `${lora.name}:${String(lora.strength)}`;
  const hasTwin = own === undefined && options.graph === undefined && profile.model.graph === plainGraph;
  const twin = hasTwin ? { graph: join(dirname(profile.graphPath), loraGraph) } : {};
  return { label, options: { ...twin, loras: [lora] } };
}
