import { isAbsolute, join } from 'node:path';
import { outputRootOf, type ApiSettings } from '../../client/api-settings.ts';
import { assertInputBelow, assertOutputBelow } from '../../client/service-places.ts';

/** Puts what is known into a template of a path. */
type Fill = (template: string) => string;

/**
 * The directory that `output` names below that of the service.
 * @throws SluiceError OUTPUT_OUTSIDE
 */
export async function outputOf(
  home: string,
  settings: ApiSettings,
  output: string,
  fill: Fill = (path) => path,
): Promise<string> {
  const path = placeBelow(outputRootOf(home, settings), output);
  await assertOutputBelow(home, settings, fill(path));
  return path;
}

/**
 * The file that `path` names below the directory of inputs.
 * @throws SluiceError INPUT_OUTSIDE
 */
export async function inputOf(home: string, settings: ApiSettings, input: string, fill: Fill): Promise<string> {
  const { input_root: root } = settings;
  const path = root === undefined ? outside : placeBelow(root, input);
  await assertInputBelow(home, settings, fill(path));
  return path;
}

/** Below no directory. */
const outside = '/';

function placeBelow(root: string, path: string): string {
  const isPlain = !isAbsolute(path) && !/^[a-z][a-z0-9+]*:/i.test(path) && !/[\\\0]/.test(path);
  return isPlain ? join(root, path) : outside;
}
