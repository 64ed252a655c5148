import { z } from 'zod';
import { batchEvents, eventTypes, peopleEvents, type EventType } from './event-types.ts';
import type { EventTarget } from './events.ts';

/**
 * `webhooks:` and `notify:` of the configuration. Texts may hold `${env:NAME}` and `${file:/path}`, which are put in
 * where they are used, so that no secret need stand in the file.
 */
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'may have a–z, 0–9 and hyphens, at most 40')
  .refine((text) => !/^webhook-\d+$/.test(text), 'is a name that addresses of batches get');
const events = z.array(z.enum(eventTypes)).min(1);
const text = z.string().min(1);
const common = {
  name,
  events: events.optional(),
  /** `named`: only batches that name it. */
  batches: z.enum(['all', 'named']).default('all'),
  /** An event that could not be delivered for so long is given up. */
  give_up_after_hours: z.number().min(0).max(720).default(24),
};

const webhookSchema = z.strictObject({
  ...common,
  url: text,
  /** `whsec_…`. @default the secret of the home */
  secret: text.optional(),
});

export const webhooksConfigSchema = z.array(webhookSchema).max(50);
export const notifyConfigSchema = z
  .array(
    z.discriminatedUnion('type', [
      webhookSchema.extend({ type: z.literal('webhook') }),
      z.strictObject({ ...common, type: z.literal('slack'), url: text }),
      z.strictObject({
        ...common,
        type: z.literal('email'),
        to: z.array(text).min(1),
        from: text,
        smtp: z.strictObject({
          host: text,
          port: z.int().min(1).max(65_535).default(587),
          /** TLS from the first byte; else STARTTLS where the server has it. */
          secure: z.boolean().default(false),
          user: text.optional(),
          password: text.optional(),
        }),
      }),
    ]),
  )
  .max(50);

type Configured = z.output<typeof webhookSchema> | z.output<typeof notifyConfigSchema>[number];
export type ConfiguredTarget =
  | (z.output<typeof webhookSchema> & { type: 'webhook' })
  | Exclude<z.output<typeof notifyConfigSchema>[number], { type: 'webhook' }>;

export interface EventConfig {
  webhooks?: z.output<typeof webhooksConfigSchema> | undefined;
  notify?: z.output<typeof notifyConfigSchema> | undefined;
}

/** All targets of a configuration, by name, with the events they want. */
export function configuredTargets({ webhooks = [], notify = [] }: EventConfig): ConfiguredTarget[] {
  return [
    ...webhooks.map((target) => ({ ...target, type: 'webhook' as const, events: eventsOf(target, batchEvents) })),
    ...notify.map((target) => ({ ...target, events: eventsOf(target, peopleEvents) })),
  ];
}

function eventsOf(target: Configured, fallback: readonly EventType[]): EventType[] {
  return [...(target.events ?? fallback)];
}

/** Targets of a batch: those of the configuration that want it or are named, and its own addresses. */
export function targetsOf(
  config: EventConfig,
  wanted: readonly string[],
): { targets: EventTarget[]; unknown: string[] } {
  const configured = configuredTargets(config);
  const urls = wanted.filter((each) => /^https?:\/\//i.test(each));
  const names = new Set(wanted.filter((each) => !urls.includes(each)));
  const chosen = configured.filter((target) => target.batches === 'all' || names.has(target.name));
  return {
    targets: [
      ...chosen.map((target) => ({ name: target.name, events: target.events ?? [] })),
      ...urls.map((url, place) => ({ name: `webhook-${String(place + 1)}`, url, events: eventTypes })),
    ],
    unknown: [...names].filter((each) => !configured.some((target) => target.name === each)),
  };
}
