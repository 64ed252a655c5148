import { artifactNames } from '../domain/item.ts';
import type { ResultRow } from '../domain/result.ts';
import type { Sidecar } from '../domain/sidecar.ts';
import type { Store } from '../storage/store.ts';
import { isWhole, readOwnSidecar } from './artifact.ts';
import type { StepItem } from './attempt.ts';
import type { Share } from './comfy-prompt.ts';

/** A prompt whose pictures, or some of them, were stored once. */
export interface PastShare extends Share {
  /** Name of the endpoint that made it. */
  endpoint: string | undefined;
}

/** What storage has of one of an item's pictures. */
export interface PictureState {
  /** Of a picture that is there: the item's row as it was then. */
  row: ResultRow | null;
  /** The prompt it was made by, or that made its neighbours and so it too. */
  past: PastShare | null;
}

/**
 * What storage has of each of an item's pictures. One that is missing beside others of its prompt (a kill
 * while they were stored, or a file that was lost) comes from that same prompt again: any other would make
 * another picture, and the server may still have this one.
 */
export async function readPictureStates(store: Store, batchId: string, item: StepItem): Promise<PictureState[]> {
  const names = artifactNames(item);
  const sidecars = await Promise.all(names.map((name) => readOwnSidecar(store, batchId, item, name)));
  const shares = sidecars.flatMap((sidecar, place) => shareOf(sidecar, place, names.length) ?? []);
  return Promise.all(
    sidecars.map(async (sidecar, place) => {
      const own = shareOf(sidecar, place, names.length);
      const past = own ?? shares.find(({ offset, count }) => offset <= place && place < offset + count) ?? null;
      return { row: sidecar !== null && (await isWhole(store, sidecar)) ? sidecar.result : null, past };
    }),
  );
}

function shareOf(sidecar: Sidecar | null, place: number, pictures: number): PastShare | null {
  if (sidecar?.batch_size === undefined || sidecar.batch_index === undefined) return null;
  const { batch_size: count, batch_index: index, endpoint } = sidecar;
  const offset = place - index;
  return offset < 0 || index >= count || offset + count > pictures ? null : { offset, count, endpoint };
}
