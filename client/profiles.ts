import { join } from 'node:path';
import { SluiceError } from '../domain/errors.ts';
import { defaultProfileName, profilesFileSchema, type SpriteProfile } from '../domain/sprite-profile.ts';
import { packageRoot } from './engine/package-root.ts';
import { graphPathOf, graphRule, shippedGraphs } from './graph-files.ts';
import { describeIssue, locate, readYamlFile, type YamlFile } from './yaml-file.ts';

/** A profile, and where it and its graph are found. */
export interface NamedProfile extends SpriteProfile {
  name: string;
  /** The `profiles.yaml` it stands in. */
  file: string;
  /** Absolute. A shipped graph exists; of a path nothing is known yet. */
  graphPath: string;
}

const invalid = (message: string): SluiceError => new SluiceError('CONFIG_INVALID', message);

/**
 * Profiles by name: those of the `profiles.yaml` that comes with Sluice, and those of
 * `<home>/profiles.yaml`, which adds entries and replaces whole ones. Entries are not merged: what a
 * profile does is all in one place.
 *
 * @throws SluiceError CONFIG_INVALID naming file, line, profile, field and rule, all of them at once
 */
export async function loadProfiles(home: string): Promise<ReadonlyMap<string, NamedProfile>> {
  const shippedPath = join(packageRoot, 'profiles.yaml');
  const shipped = await readYamlFile(shippedPath, '"profiles:"');
  if (shipped === null) throw invalid(`${shippedPath} is missing: install Sluice again`);
  const own = await readYamlFile(join(home, 'profiles.yaml'), '"profiles:"');
  const graphs = await shippedGraphs();
  const all = [shipped, ...(own === null ? [] : [own])].flatMap((file) => profilesOf(file, graphs));
  return new Map(all.map((profile) => [profile.name, profile]));
}

/**
 * The profile of that name, or the default one.
 * @throws SluiceError USAGE that lists the names there are
 */
export function findProfile(
  profiles: ReadonlyMap<string, NamedProfile>,
  name: string = defaultProfileName,
): NamedProfile {
  const found = profiles.get(name);
  if (found !== undefined) return found;
  throw new SluiceError('USAGE', `There is no profile "${name}".`, {
    action: `Use one of: ${[...profiles.keys()].join(', ')}.`,
  });
}

function profilesOf(file: YamlFile, graphs: readonly string[]): NamedProfile[] {
  const problem = (path: PropertyKey[], rule: string): string =>
    `${file.path}:${locate(file, path).line}: ${path.map(String).join('.')}: ${rule}`;

  const parsed = profilesFileSchema.safeParse(file.value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(describeIssue).map(({ path, rule }) => problem(path, rule));
    throw invalid(problems.join('; '));
  }
  const named = Object.entries(parsed.data.profiles).map(([name, profile]) => {
    return { ...profile, name, file: file.path, graphPath: graphPathOf(profile.model.graph, file.path, graphs) };
  });
  const unknown = named.flatMap(({ name, graphPath }) =>
    graphPath === null ? [['profiles', name, 'model', 'graph']] : [],
  );
  if (unknown.length > 0) {
    throw invalid(unknown.map((path) => problem(path, graphRule(graphs))).join('; '));
  }
  return named.flatMap(({ graphPath, ...profile }) => (graphPath === null ? [] : [{ ...profile, graphPath }]));
}
