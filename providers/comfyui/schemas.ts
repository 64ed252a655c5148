import { z } from 'zod';

/** ComfyUI's replies, read leniently: what is not needed may be anything. */

export const systemStatsSchema = z.looseObject({
  system: z.looseObject({ comfyui_version: z.string().optional() }).optional(),
  devices: z.array(
    z.looseObject({
      name: z.string().default(''),
      type: z.string().default(''),
      vram_total: z.number().default(0),
      vram_free: z.number().default(0),
    }),
  ),
});

/** `[number, id, graph, extra_data, output ids, …]` */
const queueTuple = z.tuple([z.number(), z.string()], z.unknown());

export const queueSchema = z.looseObject({ queue_running: z.array(queueTuple), queue_pending: z.array(queueTuple) });

const problemSchema = z.looseObject({
  type: z.string().default(''),
  message: z.string().default(''),
  details: z.string().default(''),
  extra_info: z
    .looseObject({
      node_id: z.string().optional(),
      class_type: z.string().optional(),
      input_name: z.string().optional(),
    })
    .optional()
    .catch(undefined),
});

const nodeErrorsSchema = z
  .record(z.string(), z.looseObject({ class_type: z.string().default(''), errors: z.array(problemSchema).default([]) }))
  // An empty list where there are none.
  .catch({});
export type NodeErrors = z.output<typeof nodeErrorsSchema>;

export const submittedSchema = z.looseObject({
  prompt_id: z.string(),
  number: z.number(),
  node_errors: nodeErrorsSchema.default({}),
});

export const refusalSchema = z.looseObject({
  error: z.union([problemSchema, z.string()]),
  node_errors: nodeErrorsSchema.default({}),
});

const fileSchema = z.looseObject({
  filename: z.string(),
  subfolder: z.string().default(''),
  type: z.string().default('output'),
});

export const historySchema = z.record(
  z.string(),
  z.looseObject({
    /** Node → what it shows, by kind: lists of files, and other things. */
    outputs: z.record(z.string(), z.record(z.string(), z.unknown()).catch({})).default({}),
    status: z
      .looseObject({
        status_str: z.string().default(''),
        messages: z.array(z.tuple([z.string(), z.looseObject({})], z.unknown())).default([]),
      })
      .nullish(),
  }),
);

export const filesSchema = z.array(fileSchema);

export const executionErrorSchema = z.looseObject({
  node_id: z.coerce.string().default(''),
  node_type: z.string().default(''),
  exception_type: z.string().default(''),
  exception_message: z.string().default(''),
});

export const timestampSchema = z.looseObject({ timestamp: z.number() });

export const cancelledSchema = z.looseObject({ cancelled: z.boolean() });

export const uploadedSchema = z.looseObject({
  name: z.string(),
  subfolder: z.string().default(''),
  type: z.string().default('input'),
});

export const objectInfoSchema = z.record(
  z.string(),
  z.looseObject({ input: z.looseObject({ required: z.record(z.string(), z.unknown()).default({}) }) }),
);

/** A list of choices: `[[…]]`, or `["COMBO", { options: […] }]` on newer servers. */
export const choicesSchema = z.union([
  z.tuple([z.array(z.string())], z.unknown()).transform(([list]) => list),
  z
    .tuple([z.literal('COMBO'), z.looseObject({ options: z.array(z.string()) })], z.unknown())
    .transform(([, { options }]) => options),
]);

export const socketMessageSchema = z.looseObject({
  type: z.string(),
  data: z.looseObject({
    prompt_id: z.string().optional(),
    node: z.string().nullish(),
    value: z.number().optional(),
    max: z.number().optional(),
  }),
});
