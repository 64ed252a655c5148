import { SluiceError } from '../domain/errors.ts';

const reference = /\$\{env:([A-Za-z_]\w*)\}/g;

/**
 * The secrets a step names as `${env:NAME}`. Only references that stand in the flow itself count: one that came in
 * with a row, or with what a model said, stays the text it is.
 */
export class Secrets {
  private readonly values = new Map<string, string>();

  /** @param template the step's options as the flow has them, before anything is filled in */
  constructor(env: Readonly<Record<string, string | undefined>>, template: string) {
    for (const [, name = ''] of template.matchAll(reference)) {
      const value = env[name];
      if (value === undefined || value === '') {
        throw new SluiceError('CONFIG_INVALID', `\${env:${name}} is not set where the engine runs.`, {
          action: `Set ${name} and start the engine anew: sluice down, sluice up.`,
        });
      }
      this.values.set(name, value);
    }
  }

  /** Whether a secret stands in what is to be sent. */
  areIn(request: unknown): boolean {
    return [...JSON.stringify(request).matchAll(reference)].some(([, name = '']) => this.values.has(name));
  }

  fill(text: string): string {
    return text.replace(reference, (whole, name: string) => this.values.get(name) ?? whole);
  }

  /** The text without the secrets' values. */
  hide(text: string): string {
    let hidden = text;
    // What is shorter could stand in an answer by chance.
    for (const [name, value] of this.values) if (value.length >= 6) hidden = hidden.replaceAll(value, `[${name}]`);
    return hidden;
  }
}
