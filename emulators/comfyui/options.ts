import { z } from 'zod';
import { faultsSchema } from './faults.ts';

export const optionsSchema = z.strictObject({
  /** 0: any free one. */
  port: z.int().min(0).max(65_535).default(0),
  /** Which server's habits: 0.3.64 or 0.30. */
  profile: z.enum(['old', 'new']).default('new'),
  /** Where routes are: at the root and under `/api`, as ComfyUI has them, or in one place, as behind a proxy. */
  routes: z.enum(['both', 'api', 'bare']).default('both'),
  /** What the GPU is called in the log. */
  gpu: z.string().min(1).default('gpu0'),
  deviceName: z.string().min(1).default('cuda:0 NVIDIA GeForce RTX 4090 (emulated)'),
  vramGb: z.number().positive().default(24),
  /** 1: real time; 0.1: a tenth of it. */
  timeScale: z.number().min(0).default(1),
  /** Seconds a checkpoint takes from disk to GPU, before scaling. */
  loadSeconds: z.number().min(0).default(8),
  /** Of faults. */
  seed: z.int().default(0),
  faults: faultsSchema.prefault({}),
  checkpoints: z
    .array(z.string().min(1))
    .default(['sd_xl_base_1.0.safetensors', 'juggernautXL_v9.safetensors', 'flux1-dev.safetensors']),
  loras: z.array(z.string().min(1)).default(['pixel-art-xl.safetensors', 'sprite-sheet-xl.safetensors']),
  /** JSON lines, appended: see GpuLog. */
  gpuLog: z.string().min(1).optional(),
  /** Holds `output/`, `input/` and `temp/`; omitted: one of its own, removed when the emulator is closed. */
  directory: z.string().min(1).optional(),
});
export type ComfyEmulatorOptions = z.input<typeof optionsSchema>;
export type EmulatorOptions = z.output<typeof optionsSchema>;
