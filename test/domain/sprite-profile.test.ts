import { expect, it } from 'vitest';
import { profilesFileSchema, profileSpec, profileValues, type SpriteProfile } from '../../domain/sprite-profile.ts';

function profile(sections: object): SpriteProfile {
  return profilesFileSchema.parse({ profiles: { a: { model: { graph: 'g' }, ...sections } } }).profiles['a']!;
}

it('writes every key of the model section into the graph, under the names graphs have', () => {
  const model = {
    graph: 'g',
    checkpoint: 'c.safetensors',
    lora: 'l.safetensors',
    lora_strength: 0.8,
    steps: 12,
    cfg_scale: 6.5,
    sampler: 'euler',
    scheduler: 'karras',
    width: 512,
    height: 768,
    negative_prompt: '',
  };
  expect(profileValues(profile({ model, hardware: { batch_size: 4 } }))).toEqual({
    checkpoint: 'c.safetensors',
    loras: [{ name: 'l.safetensors', strength: 0.8 }],
    steps: 12,
    cfg: 6.5,
    sampler: 'euler',
    scheduler: 'karras',
    width: 512,
    height: 768,
    negative_prompt: '',
    batch_size: 4,
  });
});

it('leaves out of the graph what the profile leaves out, and a batch size that the GPU decides', () => {
  expect(profileValues(profile({ hardware: { batch_size: 'auto' } }))).toEqual({});
});

it('sets attempts, time limit and failure rates of the batch', () => {
  const queue = { max_attempts: 5, timeout_seconds: 1.5 };
  const monitoring = { pause_above: 0.4, notice_above: 0.1 };
  expect(profileSpec(profile({ queue, monitoring }))).toEqual({
    retry: { maxAttempts: 5 },
    timeoutMs: 1_500,
    failurePolicy: { pauseAbove: 0.4, noticeAbove: 0.1 },
  });
  expect(profileSpec(profile({}))).toEqual({ failurePolicy: {} });
});
