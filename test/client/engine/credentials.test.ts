import { expect, test } from 'vitest';
import { credentialsFrom, mergeCredentials, withCredentials } from '../../../client/engine/credentials.ts';
import type { GpuEndpointConfig } from '../../../domain/gpu-endpoint.ts';

const endpoint = (name: string): GpuEndpointConfig => ({ name, url: `http://${name}:8188`, classes: ['any', '24gb'] });
const gemini = { apiKey: 'k', baseUrl: 'http://gemini.test' };

test('what is written to an environment is read from it again, and nothing else stays there', () => {
  const credentials = {
    gemini,
    openai: { baseUrl: 'http://local' },
    anthropic: { apiKey: 'a' },
    gpus: [endpoint('a'), endpoint('b')],
  };
  const others = {
    OPENAI_API_KEY: 'other',
    ANTHROPIC_BASE_URL: 'http://other',
    GEMINI_API_KEY: 'other',
    GEMINI_BASE_URL: 'http://other',
    SLUICE_GPUS: '[]',
    PATH: '/bin',
  };
  expect(credentialsFrom(withCredentials(others, credentials))).toEqual(credentials);
  expect(withCredentials(others, {})).toEqual({ PATH: '/bin' });
});

test('empty variables and an empty list bring nothing', () => {
  expect(credentialsFrom({ GEMINI_API_KEY: '', GEMINI_BASE_URL: 'http://x', SLUICE_GPUS: '[]' })).toEqual({});
});

test('an address alone is enough where a server may want no key', () => {
  const env = { OPENAI_BASE_URL: 'http://127.0.0.1:11434', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' };
  expect(credentialsFrom(env)).toEqual({ openai: { baseUrl: 'http://127.0.0.1:11434' } });
});

test('what a command brings replaces its own part and leaves the other', () => {
  const present = { gemini, gpus: [endpoint('a'), endpoint('b')] };
  expect(mergeCredentials(present, {})).toEqual(present);
  expect(mergeCredentials(present, { gemini: { apiKey: 'n' } })).toEqual({ ...present, gemini: { apiKey: 'n' } });
  expect(mergeCredentials(present, { gpus: [endpoint('c')] })).toEqual({ gemini, gpus: [endpoint('c')] });
});
