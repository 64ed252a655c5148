#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheDirectory } from '../client/engine/temporal-cache.ts';

// Before anything large is loaded; the engine's processes, started from here, share it.
const compiled = (process.env['NODE_COMPILE_CACHE'] ||= join(cacheDirectory(process.env), 'compiled'));
enableCompileCache(compiled);

const { main } = await import('./program.ts');
await main();
