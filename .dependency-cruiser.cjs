/** What each folder may import (see the layout in docs/architecture.md). Everything not named is forbidden. */
const layers = {
  // ipaddr.js only computes; of liquidjs only what reads no file and no clock is left.
  domain: ['^domain/', 'zod', 'ipaddr.js', 'liquidjs'],
  workflows: ['^workflows/', '^domain/', '@temporalio/workflow', '@temporalio/common'],
  // The limiter's log and the ledger share how they open a SQLite file.
  providers: ['^providers/', '^domain/', '^storage/sqlite/', 'zod', 'undici', 'nodemailer', 'node:'],
  storage: ['^storage/', '^domain/', 'zod', 'node:'],
  activities: [
    '^activities/',
    '^domain/',
    '^providers/',
    '^storage/',
    '@temporalio/(activity|client|common)',
    'fflate',
    'marked',
    'zod',
    'node:',
  ],
  emulators: ['^emulators/', '^domain/', 'zod', 'pngjs', 'yaml', 'ws', 'node:'],
  client: [
    '^client/',
    '^domain/',
    '^storage/',
    '@temporalio/(client|common)',
    'csv-parse',
    'iconv-lite',
    'pino',
    'pngjs',
    'yaml',
    'zod',
    'node:',
  ],
  workers: [
    '^(workers|workflows|activities|providers|storage|client|domain)/',
    '@temporalio/(worker|client|common|activity)',
    '@opentelemetry/api',
    'pino',
    'prom-client',
    'undici',
    'yaml',
    'zod',
    'node:',
  ],
  api: [
    '^api/',
    '^client/',
    '^providers/http/',
    '^storage/',
    '^domain/',
    '@nestjs/(common|core|platform-fastify|swagger)',
    '@fastify/(helmet|multipart|rate-limit|static)',
    '@opentelemetry/api',
    'cloudevents',
    'fastify',
    'pino',
    'prom-client',
    'reflect-metadata',
    'sharp',
    'zod',
    'node:',
  ],
  // What runs in a browser: of our own code only what is pure.
  web: ['^web/', '^domain/', 'preact'],
  cli: ['^cli/', '^client/', '^domain/', '^emulators/', 'commander', 'log-update', 'yaml', 'zod', 'node:'],
};

/** Types alone couple nothing at run time: messages and signatures are shared through them. */
const typesAllowed = {
  workflows: ['^activities/', 'zod'],
  activities: ['^workflows/'],
  client: ['^workflows/'],
  web: ['^api/', '^client/', 'zod'],
};

/** Files with a reason of their own. */
const exceptions = [
  { path: '^web/vite\\.config\\.ts$', to: ['vite', 'node:'] },
  // How models stand at their limits is told by the log of the limiter, without a worker.
  { path: '^client/model-loads\\.ts$', to: ['^providers/limiter/look'] },
  // Loaded only where somebody wants traces.
  {
    path: '^client/tracing/otlp\\.ts$',
    to: ['@opentelemetry/[\\w-]+', '@temporalio/interceptors-opentelemetry'],
  },
  // The development server is downloaded by Temporal's own testing client.
  { path: '^client/engine/download-temporal\\.ts$', to: ['@temporalio/testing'] },
  // Makes sources run that Node cannot read: only where there is no build, so the compiler is there.
  { path: '^api/from-source\\.ts$', to: ['typescript'] },
];

const pattern = (name) => (name.startsWith('^') ? name : `(^|node_modules/)${name}(/|$)`);

function rule(name, from, allowed, dependencyTypes) {
  const core = allowed.includes('node:') ? ['core'] : [];
  const pathNot = allowed.filter((target) => target !== 'node:').map(pattern);
  return {
    name,
    severity: 'error',
    comment: `May import only: ${allowed.join(', ')}`,
    from,
    to: { pathNot, ...dependencyTypes, dependencyTypesNot: [...core, ...(dependencyTypes?.dependencyTypesNot ?? [])] },
  };
}

const layerRules = Object.entries(layers).flatMap(([folder, allowed]) => {
  const own = exceptions.filter((exception) => exception.path.startsWith(`^${folder}/`));
  const from = { path: `^${folder}/`, pathNot: own.map((exception) => exception.path) };
  const withTypes = [...allowed, ...(typesAllowed[folder] ?? [])];
  return [
    rule(`${folder}-imports`, from, allowed, { dependencyTypesNot: ['type-only'] }),
    rule(`${folder}-types`, from, withTypes, { dependencyTypes: ['type-only'] }),
    ...own.map(({ path, to }) => rule(`${folder}-exception`, { path }, [...allowed, ...to])),
  ];
});

module.exports = {
  forbidden: [
    ...layerRules,
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies',
      severity: 'error',
      // The dashboard is built: what it is made of is in the files that are shipped.
      from: { pathNot: '^(api/from-source\\.ts$|web/)' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
