import type { ResultRow } from '../domain/result.ts';
import { findReusable, keepReusable } from './reuse.ts';
import type { StepDeps } from './step-work.ts';
import { storeReused, type Picture } from './store-pictures.ts';

type Place = Parameters<typeof findReusable>[1];

/** Puts another batch's pictures in the place of an item's, if it made all of them; null if not. */
export async function reusePictures(deps: StepDeps, place: Place, count: number): Promise<ResultRow | null> {
  const pictures: Picture[] = [];
  let source = '';
  for (let n = 0; n < count; n += 1) {
    const hit = await findReusable(deps, placeOf(place, n));
    const file = hit?.file ?? null;
    const { seed, ...facts } = hit?.made.facts ?? {};
    if (hit === null || file === null || typeof seed !== 'number') return null;
    pictures.push({ place: n, seed, ...file, facts });
    source = hit.source;
  }
  return storeReused(place.attempt, pictures, { source, patienceMs: deps.storagePatienceMs ?? 5_000 });
}

/** Keeps pictures for other batches. */
export async function keepPictures(deps: StepDeps, place: Place, pictures: readonly Picture[]): Promise<void> {
  for (const { place: n, seed, mimeType, data, facts } of pictures) {
    const made = { facts: { facts: { seed, ...facts } }, file: { mimeType, data }, costUsd: 0 };
    await keepReusable(deps, placeOf(place, n), made);
  }
}

function placeOf({ attempt, request }: Place, picture: number): Place {
  return { attempt, request: request === null ? null : { ...request, picture } };
}
