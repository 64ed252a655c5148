import { registerHooks } from 'node:module';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

const own = new URL('.', import.meta.url).href;

registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith(own) || !url.endsWith('.ts')) return nextLoad(url, context);
    const { outputText } = transpileModule(readFileSync(fileURLToPath(url), 'utf8'), {
      fileName: url,
      compilerOptions: {
        target: ScriptTarget.ES2024,
        module: ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        experimentalDecorators: true,
        inlineSourceMap: true,
      },
    });
    return { format: 'module', source: outputText, shortCircuit: true };
  },
});
