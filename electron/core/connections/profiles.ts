import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Profile } from '#shared/contract/connections.ts';
import { readPrivateFile, removePrivateFile, writePrivateFile } from './privateFile.ts';
import { parseProfile, ownProfileName, profileShape } from './rules.ts';

/** The profiles of a folder. Files that can't be read as one are named beside them and left as they are. */
export interface ProfileList {
  readonly profiles: readonly Profile[];
  readonly damaged: readonly string[];
}

const fileName = /^profile-([a-z0-9][a-z0-9-]{0,39})\.json$/;

export async function listProfiles(folder: string): Promise<ProfileList> {
  const profiles: Profile[] = [];
  const damaged: string[] = [];
  for (const file of (await filesOf(folder)).toSorted()) {
    const name = fileName.exec(file)?.[1];
    if (name === undefined) continue;
    try {
      profiles.push(await readProfile(folder, name));
    } catch {
      damaged.push(name);
    }
  }
  return { profiles, damaged };
}

/** Rejects with `not_found`, or with `disk` when the file is damaged, which is then kept as it is. */
export async function readProfile(folder: string, name: string): Promise<Profile> {
  const text = await readPrivateFile(pathOf(folder, name));
  if (text === null) {
    throw new ExpectedError('not_found', 'There is no profile of that name; choose another or add it.');
  }
  const profile = parseFile(text);
  if (profile?.name !== name) {
    throw new ExpectedError(
      'disk',
      `The file of the profile "${name}" is damaged and was left as it is; repair it by hand, or remove the profile and add it again.`,
    );
  }
  return profile;
}

/** Adds the profile or replaces the one of the same name. It holds no secret; those go to the keychain. */
export async function saveProfile(folder: string, given: unknown): Promise<Profile> {
  const profile = parseProfile(given);
  await writePrivateFile(pathOf(folder, profile.name), `${JSON.stringify(profile, null, 2)}\n`);
  return profile;
}

/** Whether there was one. Its secrets are forgotten by the keychain, its verified head stays. */
export async function removeProfile(folder: string, name: string): Promise<boolean> {
  return removePrivateFile(pathOf(folder, name));
}

/** The PEM text of a CA certificate file somebody chose; what is in it is checked when the profile is saved. */
export async function readCertificateFile(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text?.includes('-----BEGIN CERTIFICATE-----') === true) return text;
  throw new ExpectedError(
    'invalid_input',
    'The file of the CA certificate could not be read as one; choose a file in PEM form.',
  );
}

function parseFile(text: string): Profile | undefined {
  try {
    return profileShape.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The prefix keeps Windows from taking a name such as `con` for a device. */
function pathOf(folder: string, name: string): string {
  if (!ownProfileName.safeParse(name).success) {
    throw new ExpectedError(
      'invalid_input',
      'A profile name has 1 to 40 small letters, digits and hyphens; correct it.',
    );
  }
  return join(folder, `profile-${name}.json`);
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new ExpectedError(
      'disk',
      "The console's profile folder could not be read; check its owner and rights.",
    );
  }
}
