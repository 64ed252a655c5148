import { baseAddress } from '../base-address.ts';

/** Where the Gemini API is, unless GEMINI_BASE_URL says otherwise. */
const defaultBaseUrl = 'https://generativelanguage.googleapis.com/v1beta';

/**
 * The base address with its version and without a trailing slash: `https://host`, `https://host/` and
 * `https://host/v1beta/` are all the same.
 *
 * @throws SluiceError CONFIG_INVALID when it is no http(s) address.
 */
export function normalizeBaseUrl(baseUrl: string = defaultBaseUrl): URL {
  return baseAddress('Gemini (GEMINI_BASE_URL)', baseUrl, 'v1beta');
}
