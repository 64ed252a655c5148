import { SluiceError } from '../domain/errors.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { createGeminiProvider } from '../providers/gemini/provider.ts';
import type { ImageProvider } from '../providers/image-provider.ts';

export interface ProviderSettings {
  /** Without it this worker takes no live work. */
  geminiApiKey: string | undefined;
  geminiBaseUrl: string | undefined;
  /** Address of the built-in emulator; without it this worker takes no emulated work. */
  emulatorUrl: string | undefined;
}

/** Which modes a worker with these settings can serve. */
export function servedModes({ geminiApiKey, emulatorUrl }: ProviderSettings): ProviderMode[] {
  const modes: ProviderMode[] = [];
  if (geminiApiKey !== undefined) modes.push('live');
  if (emulatorUrl !== undefined) modes.push('emulated');
  return modes;
}

/** Finds the provider of a call. The emulator is the same provider at another address. */
export function createProviders(settings: ProviderSettings): (name: string, mode: ProviderMode) => ImageProvider {
  const { geminiApiKey, geminiBaseUrl, emulatorUrl } = settings;
  const live =
    geminiApiKey === undefined
      ? undefined
      : createGeminiProvider({
          apiKey: geminiApiKey,
          ...(geminiBaseUrl === undefined ? {} : { baseUrl: geminiBaseUrl }),
        });
  const emulated =
    emulatorUrl === undefined ? undefined : createGeminiProvider({ apiKey: 'emulated', baseUrl: emulatorUrl });
  return (name, mode) => {
    const provider = name === 'gemini' ? (mode === 'live' ? live : emulated) : undefined;
    if (provider === undefined) throw new SluiceError('INTERNAL', `This worker has no ${mode} provider "${name}".`);
    return provider;
  };
}
