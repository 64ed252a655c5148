import type { ProviderMode } from '../domain/ids.ts';
import { vendors, type Vendor } from '../domain/vendors.ts';
import type { Credentials } from '../client/engine/credentials.ts';
import { createAnthropicProvider } from '../providers/anthropic/provider.ts';
import { createGeminiProviders } from '../providers/gemini/providers.ts';
import { createOpenAiProvider } from '../providers/openai/provider.ts';
import type { FindProviders, ProviderSet } from '../providers/provider-set.ts';

export interface ProviderSettings {
  /** Vendors that are not among them get no live work here. */
  credentials: Pick<Credentials, Vendor>;
  /** Address of the built-in emulator of all vendors; without it this worker takes no emulated work. */
  emulatorUrl: string | undefined;
}

/** The vendors' models as this worker reaches them. An emulated one is the same provider at another address. */
export function createProviders({ credentials, emulatorUrl }: ProviderSettings): FindProviders {
  const sets = new Map<string, ProviderSet>();
  for (const vendor of vendors) {
    const given = credentials[vendor];
    if (given !== undefined) sets.set(placeOf(vendor, 'live'), create[vendor](given));
    if (emulatorUrl === undefined) continue;
    sets.set(placeOf(vendor, 'emulated'), create[vendor]({ apiKey: 'emulated', baseUrl: emulatorUrl }));
  }
  return (vendor, mode) => sets.get(placeOf(vendor, mode));
}

function placeOf(vendor: string, mode: ProviderMode): string {
  return `${mode} ${vendor}`;
}

const create: Record<Vendor, (given: { apiKey?: string; baseUrl?: string }) => ProviderSet> = {
  gemini: ({ apiKey = '', ...given }) => createGeminiProviders({ apiKey, ...given }),
  openai: (given) => ({ text: createOpenAiProvider(given) }),
  anthropic: ({ apiKey = '', ...given }) => ({ text: createAnthropicProvider({ apiKey, ...given }) }),
};
