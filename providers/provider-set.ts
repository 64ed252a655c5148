import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import type { ImageProvider } from './image-provider.ts';
import type { TextProvider } from './text-provider.ts';
import type { VideoProvider } from './video-provider.ts';

/** What a vendor can make, by kind of model. */
export interface ProviderSet {
  image?: ImageProvider;
  text?: TextProvider;
  video?: VideoProvider;
}

/** Finds a vendor's models; undefined: this worker does not serve that vendor in that mode. */
export type FindProviders = (vendor: string, mode: ProviderMode) => ProviderSet | undefined;

/**
 * The provider of a call.
 * @throws SluiceError INTERNAL when this worker has none: it then should not have polled that queue
 */
export function providerOf<Kind extends keyof ProviderSet>(
  find: FindProviders,
  kind: Kind,
  vendor: string,
  mode: ProviderMode,
): NonNullable<ProviderSet[Kind]> {
  const provider = find(vendor, mode)?.[kind];
  if (provider !== undefined) return provider;
  throw new SluiceError('INTERNAL', `This worker has no ${mode} ${kind} provider "${vendor}".`);
}
