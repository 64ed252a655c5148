import { Gauge, type Registry } from 'prom-client';
import type { ProviderMode } from '../../domain/ids.ts';
import type { GpuPool, GpuPoolSnapshot } from '../../providers/gpu-pool/types.ts';

type Endpoint = GpuPoolSnapshot['endpoints'][number];
type Waiting = GpuPoolSnapshot['waiting'][number];

/** How the GPUs of a worker stand, looked at when it is asked. */
export function addGpuGauges(registry: Registry, pools: Partial<Record<ProviderMode, GpuPool>>): void {
  const registers = [registry];
  const look = <T>(part: (snapshot: GpuPoolSnapshot) => readonly T[]): { mode: string; found: T }[] =>
    Object.entries(pools).flatMap(([mode, pool]) => part(pool.snapshot()).map((found) => ({ mode, found })));
  const ofEndpoints = (name: string, help: string, value: (endpoint: Endpoint) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['endpoint', 'mode'],
      registers,
      collect() {
        for (const { mode, found } of look(({ endpoints }) => endpoints)) {
          this.set({ endpoint: found.name, mode }, value(found));
        }
      },
    });
  };
  ofEndpoints('sluice_gpu_up', 'Whether the ComfyUI server answers', ({ health }) => (health === 'alive' ? 1 : 0));
  ofEndpoints('sluice_gpu_prompts_running', 'Prompts of ours that run', ({ running }) => running);
  ofEndpoints('sluice_gpu_prompts_queued', 'Prompts of ours that are queued there', ({ queued }) => queued);
  new Gauge({
    name: 'sluice_gpu_jobs_waiting',
    help: 'Jobs of this worker that wait for a GPU',
    labelNames: ['gpu_class', 'priority', 'mode'],
    registers,
    collect() {
      this.reset();
      for (const { mode, found } of look<Waiting>(({ waiting }) => waiting)) {
        this.set({ gpu_class: found.gpuClass, priority: found.priority, mode }, found.jobs);
      }
    },
  });
}
