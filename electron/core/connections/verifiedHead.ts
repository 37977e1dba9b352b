import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { demoRoleOf } from './demoProfiles.ts';
import { readPrivateFile, removePrivateFile, writePrivateFile } from './privateFile.ts';
import { ownProfileName } from './rules.ts';

const headShape = z.strictObject({
  number: z.int().nonnegative(),
  chain: z.string().regex(/^[0-9a-f]{64}$/),
  database: z.string().min(1).max(200),
  /** Chain values of the entries that confirmed a restore from a backup and lie behind this head: none counts twice. */
  restores: z.array(z.string().regex(/^[0-9a-f]{64}$/)).default([]),
});

/** The last audit entry a console has verified: its number, its chain value in hex, and which database it was. */
export type VerifiedHead = z.output<typeof headShape>;

/**
 * The head a profile last verified, `null` before the first time. A note that can't be read is not taken for a first
 * time: it rejects with `trail_contradiction`.
 */
export async function readVerifiedHead(folder: string, profile: string): Promise<VerifiedHead | null> {
  const text = await readPrivateFile(pathOf(folder, profile));
  if (text === null) return null;
  let head: VerifiedHead | undefined;
  try {
    head = headShape.safeParse(JSON.parse(text)).data;
  } catch {
    head = undefined;
  }
  if (head === undefined) {
    throw new ExpectedError(
      'trail_contradiction',
      "This console's note of the last verified audit entry is damaged, so the trail can't be compared with it; tell a compliance officer before going on.",
    );
  }
  return head;
}

/**
 * Remembers a head that was verified to continue the remembered one. Refuses with `trail_contradiction` what can't be
 * its continuation whatever was verified: a smaller number or the same number with another chain value, unless a
 * restore was confirmed that the remembered one doesn't know; another database.
 */
export async function rememberVerifiedHead(
  folder: string,
  profile: string,
  given: z.input<typeof headShape>,
): Promise<void> {
  const head = headShape.parse(given);
  const before = await readVerifiedHead(folder, profile);
  if (before !== null) {
    const restored = head.restores.some((each) => !before.restores.includes(each));
    const contradicts =
      before.database !== head.database ||
      (!restored &&
        (head.number < before.number || (head.number === before.number && head.chain !== before.chain)));
    if (contradicts) throw contradiction(before);
    if (head.number === before.number && !restored) return;
  }
  await writePrivateFile(pathOf(folder, profile), `${JSON.stringify(head)}\n`);
}

/**
 * The furthest head any profile of this console has verified of a database: what one
 * member of staff saw here holds for the next. After a restore the trail is shorter, so
 * what knows of more restores is further. A damaged note of another profile speaks when
 * that profile signs in.
 */
export async function furthestHead(folder: string, database: string): Promise<VerifiedHead | null> {
  let furthest: VerifiedHead | null = null;
  for (const file of await filesOf(folder)) {
    const text = await readPrivateFile(join(folder, file));
    let head: VerifiedHead | undefined;
    try {
      head = headShape.safeParse(JSON.parse(text ?? '')).data;
    } catch {
      continue;
    }
    if (head?.database === database && (furthest === null || isFurther(head, furthest))) furthest = head;
  }
  return furthest;
}

function isFurther(one: VerifiedHead, other: VerifiedHead): boolean {
  return one.restores.length === other.restores.length
    ? one.number > other.number
    : one.restores.length > other.restores.length;
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^verified-head[-_].*\.json$/.test(name));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** Forgets the head of a demo that is over; never called for any other profile. */
export async function forgetVerifiedHead(folder: string, profile: string): Promise<void> {
  await removePrivateFile(pathOf(folder, profile));
}

function contradiction(before: VerifiedHead): ExpectedError {
  return new ExpectedError(
    'trail_contradiction',
    `The audit trail contradicts entry ${before.number}, which this console has verified before: entries are missing or changed, or it is another database. Stop working and tell a compliance officer.`,
  );
}

function pathOf(folder: string, profile: string): string {
  const demo = demoRoleOf(profile);
  if (demo !== null) return join(folder, `verified-head_demo_${demo}.json`);
  if (!ownProfileName.safeParse(profile).success) {
    throw new ExpectedError(
      'invalid_input',
      'A profile name has 1 to 40 small letters, digits and hyphens; correct it.',
    );
  }
  return join(folder, `verified-head-${profile}.json`);
}
