import { SluiceError } from '../../domain/errors.ts';
import { createComfyClient, type ComfyClient } from '../comfyui/client.ts';
import { machineClock, type Clock } from '../limiter/clock.ts';
import { decide } from './decide.ts';
import { EndpointState } from './endpoint-state.ts';
import { Estimates } from './estimates.ts';
import { HealthProbe } from './health.ts';
import type { WaitingJob } from './situation.ts';
import type { GpuEndpoint, GpuJob, GpuLease, GpuPool, GpuPoolSnapshot } from './types.ts';

interface GpuPoolOptions {
  endpoints: readonly GpuEndpoint[];
  /** @default a client with a random id */
  createClient?: (endpoint: GpuEndpoint) => ComfyClient;
  /** @default the machine's */
  clock?: Clock;
  /** Between two probes of an endpoint, milliseconds. @default 5000 */
  probeMs?: number;
  /** An endpoint that takes longer to answer a probe is dead, milliseconds. @default 5000 */
  probeTimeoutMs?: number;
  /** Jobs an endpoint has at a time: one runs, the others are queued behind it. @default 2 */
  slots?: number;
}

interface Waiter extends WaitingJob {
  grant: (lease: GpuLease) => void;
  fail: (error: unknown) => void;
}

/**
 * The GPU pool of a process. All jobs of its endpoints have to come through it: it chooses among those that
 * wait, which a queue that hands out one at a time cannot do.
 *
 * @throws SluiceError CONFIG_INVALID when two endpoints have one name, or an address is none.
 */
export function createGpuPool(options: GpuPoolOptions): GpuPool {
  return new ComfyGpuPool(options);
}

class ComfyGpuPool implements GpuPool {
  readonly #clock: Clock;
  readonly #slots: number;
  readonly #endpoints = new Map<string, EndpointState>();
  readonly #probes = new Map<string, HealthProbe>();
  /** In order of arrival. */
  readonly #waiting = new Set<Waiter>();
  readonly #jobsOf = new Map<string, number>();
  #lastArrivalAt = -Infinity;
  #pumpQueued = false;
  #cancelWake: () => void = () => undefined;
  #closed = false;

  constructor({
    endpoints,
    createClient = ({ url }) => createComfyClient({ baseUrl: url }),
    clock = machineClock,
    probeMs = 5_000,
    probeTimeoutMs = 5_000,
    slots = 2,
  }: GpuPoolOptions) {
    this.#clock = clock;
    this.#slots = slots;
    const all = new Estimates();
    for (const endpoint of endpoints) {
      if (this.#endpoints.has(endpoint.name)) {
        throw new SluiceError('CONFIG_INVALID', `Two GPU endpoints are called ${endpoint.name}.`);
      }
      this.#endpoints.set(endpoint.name, new EndpointState(endpoint, createClient(endpoint), all, clock.now()));
    }
    for (const [name, state] of this.#endpoints) {
      const onAlive = (device: GpuLease['device']) => {
        state.isAlive(device, clock.now());
        this.#queuePump();
      };
      const onDead = (error: string) => {
        state.isDead(error, clock.now());
        this.#queuePump();
      };
      const probe = { name, client: state.client, clock, probeMs, probeTimeoutMs, onAlive, onDead };
      this.#probes.set(name, new HealthProbe(probe));
    }
  }

  async acquire(job: GpuJob, signal: AbortSignal): Promise<GpuLease> {
    signal.throwIfAborted();
    if (this.#closed) throw closedError();
    this.#checkClass(job.gpuClass);
    const { promise, resolve, reject } = Promise.withResolvers<GpuLease>();
    const leave = (): void => {
      signal.removeEventListener('abort', abort);
      this.#waiting.delete(waiter);
    };
    const abort = (): void => {
      waiter.fail(signal.reason);
      // Others may have been held back because of it.
      this.#queuePump();
    };
    const waiter: Waiter = {
      ...job,
      passedOver: 0,
      grant: (lease) => {
        leave();
        resolve(lease);
      },
      fail: (error) => {
        leave();
        reject(error);
      },
    };
    signal.addEventListener('abort', abort);
    this.#waiting.add(waiter);
    this.#lastArrivalAt = this.#clock.now();
    this.#queuePump();
    return promise;
  }

  endpointsOf(gpuClass: string): { endpoint: GpuEndpoint; client: ComfyClient }[] {
    const all = [...this.#endpoints.values()].map(({ endpoint, client }) => ({ endpoint, client }));
    return all.filter(({ endpoint }) => endpoint.classes.includes(gpuClass));
  }

  snapshot(): GpuPoolSnapshot {
    const now = this.#clock.now();
    const waiting = Map.groupBy(this.#waiting, ({ gpuClass, priority }) => `${priority} ${gpuClass}`);
    return {
      endpoints: [...this.#endpoints.values()].map((endpoint) => endpoint.snapshot(now)),
      waiting: [...waiting.values()].flatMap((jobs) => {
        const [first] = jobs;
        return first ? [{ gpuClass: first.gpuClass, priority: first.priority, jobs: jobs.length }] : [];
      }),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelWake();
    for (const probe of this.#probes.values()) probe.close();
    for (const waiter of this.#waiting) waiter.fail(closedError());
  }

  #checkClass(gpuClass: string): void {
    const classes = new Set([...this.#endpoints.values()].flatMap(({ endpoint }) => endpoint.classes));
    if (classes.has(gpuClass)) return;
    const there = classes.size === 0 ? 'there are none' : `there are ${[...classes].sort().join(', ')}`;
    throw new SluiceError('CONFIG_INVALID', `No GPU endpoint serves the class ${gpuClass}; ${there}.`, {
      action: 'Give the class to an endpoint in the configuration, or use a class that exists.',
    });
  }

  /** Once for all that happens in this turn of the event loop, so that jobs that come together are seen together. */
  #queuePump(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      this.#pump();
    });
  }

  /** Hands out what can be handed out, and sets the timer for a decision that was put off. */
  #pump(): void {
    if (this.#closed) return;
    this.#cancelWake();
    for (;;) {
      const now = this.#clock.now();
      const { assignment, holds } = decide({
        slots: this.#slots,
        endpoints: [...this.#endpoints.values()].map((endpoint) => endpoint.view(now)),
        waiting: [...this.#waiting],
        quietForMs: now - this.#lastArrivalAt,
        jobsOf: (owner) => this.#jobsOf.get(owner) ?? 0,
      });
      const endpoint = assignment && this.#endpoints.get(assignment.endpoint);
      if (endpoint) {
        if (assignment.passedOver !== undefined) assignment.passedOver.passedOver += 1;
        assignment.job.grant(this.#place(assignment.job, endpoint, now));
        continue;
      }
      const held = new Set(holds.map((hold) => hold.endpoint));
      for (const [name, state] of this.#endpoints) state.hold(held.has(name), now);
      const wakeInMs = Math.min(...holds.map(({ forMs }) => forMs ?? Infinity));
      if (wakeInMs < Infinity) {
        this.#cancelWake = this.#clock.after(Math.max(1, Math.ceil(wakeInMs)), () => {
          this.#pump();
        });
      }
      return;
    }
  }

  #place(job: GpuJob, state: EndpointState, now: number): GpuLease {
    const { endpoint, client, device } = state;
    if (device === null) throw new Error(`${endpoint.name} was given a job before it was seen alive.`);
    const placed = state.place(job, now);
    this.#count(job.owner, 1);
    let released = false;
    return {
      endpoint,
      client,
      get device() {
        return state.device ?? device;
      },
      release: (end = {}) => {
        if (released) return;
        released = true;
        this.#count(job.owner, -1);
        state.end(placed, end, this.#clock.now());
        if (end.failed === true && !this.#closed) this.#probes.get(endpoint.name)?.distrust();
        this.#queuePump();
      },
    };
  }

  #count(owner: string, change: 1 | -1): void {
    const jobs = (this.#jobsOf.get(owner) ?? 0) + change;
    if (jobs === 0) this.#jobsOf.delete(owner);
    else this.#jobsOf.set(owner, jobs);
  }
}

function closedError(): SluiceError {
  return new SluiceError('UNAVAILABLE', 'The GPU pool is closed: its worker is stopping.');
}
