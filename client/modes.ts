import { SluiceError } from '../domain/errors.ts';
import { stepsOf, type Flow, type ModelChoice, type StepKind } from '../domain/flow.ts';
import type { ProviderMode } from '../domain/ids.ts';
import { resolveModel, type ModelsFile } from '../domain/models.ts';
import { vendorFacts, type Vendor } from '../domain/vendors.ts';

/** Something outside that makes what a batch asks for: a vendor, or the user's ComfyUI servers. */
export type Service = Vendor | 'comfyui';

/** What of it this process was given, by a key or an address; the rest could only be emulated. */
export interface Given {
  live: ReadonlySet<Service>;
  models: ModelsFile;
}

/** @param vendorsWithKey see `vendorsGiven` */
export function servicesGiven(vendorsWithKey: readonly Vendor[], gpus: readonly unknown[]): Set<Service> {
  return new Set<Service>([...vendorsWithKey, ...(gpus.length > 0 ? (['comfyui'] as const) : [])]);
}

/** What makes the items of steps that name no model. */
const usual: Partial<Record<StepKind, Service>> = { image: 'gemini', video: 'gemini', comfy: 'comfyui' };

/** All that a flow's items may call, whichever of its models they choose. */
export function servicesOf(flow: Pick<Flow, 'steps'>, models: ModelsFile): Set<Service> {
  const needed = new Set<Service>();
  for (const { uses, model } of stepsOf(flow)) {
    const own = usual[uses];
    if (model === undefined && own !== undefined) needed.add(own);
    for (const name of model === undefined ? [] : namedIn(model)) {
      const found = resolveModel(models, name);
      if (found !== undefined) needed.add(found.model.provider);
    }
  }
  return needed;
}

function namedIn(choice: ModelChoice): string[] {
  return [...choice.models, ...(choice.rule === 'by_field' ? Object.values(choice.table) : [])];
}

/**
 * What a new batch of the flow uses: all it needs for real, or all of it emulated where nothing was given.
 *
 * @throws SluiceError AUTH, CONFIG_INVALID where only a part was given: half of a batch would cost money and
 * the other half be made up
 */
export function modeOf(flow: Pick<Flow, 'name' | 'steps'>, { live, models }: Given): ProviderMode {
  const needed = [...servicesOf(flow, models)];
  const missing = needed.filter((service) => !live.has(service));
  const [first] = missing;
  if (first === undefined) return 'live';
  if (missing.length === needed.length) return 'emulated';
  const given = needed.filter((service) => live.has(service)).map(nameOf);
  throw missingService(first, `The flow ${flow.name} needs ${nameOf(first)} besides ${given.join(' and ')}`, {
    otherwise: `Without ${needed.map(settingOf).join(', ')} all of it is emulated.`,
  });
}

/**
 * Checks that a batch that was run for real is not continued with emulated answers: it never changes sides.
 *
 * @throws SluiceError AUTH, CONFIG_INVALID where something it needs is not given any more
 */
export function assertServed(flow: Flow, batchMode: ProviderMode, { live, models }: Given): void {
  if (batchMode === 'emulated') return;
  const [missing] = [...servicesOf(flow, models)].filter((service) => !live.has(service));
  if (missing === undefined) return;
  throw missingService(
    missing,
    `This batch was run ${missing === 'comfyui' ? 'on GPUs' : `with ${nameOf(missing)} itself`}`,
  );
}

/** Settings of what a flow needs, e.g. `GEMINI_API_KEY`, for a message about an emulated batch. */
export function settingsOf(services: Iterable<Service>): string {
  return [...services].map(settingOf).join(', ');
}

function missingService(service: Service, why: string, { otherwise = '' } = {}): SluiceError {
  const setting = settingOf(service);
  if (service === 'comfyui') {
    const action = `Add them to ${setting} in the configuration and run again. ${otherwise}`.trim();
    return new SluiceError('CONFIG_INVALID', `${why}, and no ${setting.slice(0, -1)} are configured now.`, { action });
  }
  const action = `Set ${setting} and run again. ${otherwise}`.trim();
  return new SluiceError('AUTH', `${why}, and there is no ${setting} now.`, { action });
}

function settingOf(service: Service): string {
  return service === 'comfyui' ? 'gpus:' : vendorFacts[service].keyVariable;
}

function nameOf(service: Service): string {
  return service === 'comfyui' ? 'ComfyUI servers' : vendorFacts[service].name;
}
