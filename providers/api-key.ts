import { ProviderError } from './provider-error.ts';

/** A key as it can be sent in a header. Throws AUTH when it is none; the message never has it. */
export function checkedKey(vendor: string, apiKey: string): string {
  const key = apiKey.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new ProviderError('AUTH', `The ${vendor} API key is empty or has characters that no key has.`);
}
