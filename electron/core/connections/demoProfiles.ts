import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import { isLoopback } from '#core/database/tls.ts';
import type { ObjectStoreKeys } from '#core/keychain/index.ts';
import type { Profile } from '#shared/contract/connections.ts';
import { isLoopbackEndpoint, parseProfile } from './rules.ts';

/** The staff a demo makes. */
export const demoRoles = [
  'viewer',
  'operator',
  'approver',
  'second-approver',
  'auditor',
  'administrator',
] as const;

export type DemoRole = (typeof demoRoles)[number];

/** The file a running demo keeps in the folder of demo secrets and removes when it stops. */
export const demoSecretsFile = 'demo-secrets.json';

const login = z.object({ user: z.string().min(1), password: z.string().min(1) });

/** What a running demo tells the consoles of the same person on the same machine. */
export const demoSecretsShape = z.object({
  host: z.string().refine(isLoopback),
  port: z.int().min(1).max(65_535),
  database: z.string().min(1),
  logins: z.object({
    viewer: login,
    operator: login,
    approver: login,
    'second-approver': login,
    auditor: login,
    administrator: login,
  } satisfies Record<DemoRole, typeof login>),
  r2: z
    .object({
      endpoint: z.string().refine(isLoopbackEndpoint),
      bucket: z.string().min(1),
      accessKeyId: z.string().min(1),
      secretAccessKey: z.string().min(1),
    })
    .nullable(),
});

export type ReadDemoSecrets = z.infer<typeof demoSecretsShape>;
/** The demo always has a bucket; a platform without one, as the tests' foreign ones are, says null. */
export type DemoSecrets = ReadDemoSecrets & { readonly r2: NonNullable<ReadDemoSecrets['r2']> };

/** A demo profile comes with its secrets, which are made up and last as long as the demo; no keychain is asked. */
export interface DemoProfile {
  readonly name: `demo:${DemoRole}`;
  readonly role: DemoRole;
  readonly profile: Profile;
  readonly password: string;
  readonly objectStoreKeys: ObjectStoreKeys | null;
}

/** The role in `demo:operator` and its like, `null` for the name of any other profile. */
export function demoRoleOf(name: string): DemoRole | null {
  return demoRoles.find((role) => name === `demo:${role}`) ?? null;
}

/**
 * Reads what the running demo wrote into `folder`. Rejects with `not_found` when none runs, with `refused` when the
 * file could come from somebody else: not a plain file of this user with mode 0600, or one that points off this machine.
 */
export async function readDemoProfile(folder: string, role: DemoRole): Promise<DemoProfile> {
  const secrets = await readDemoSecrets(folder);
  const { user, password } = secrets.logins[role];
  const { r2 } = secrets;
  return {
    name: `demo:${role}`,
    role,
    profile: parseProfile({
      name: `demo-${role}`,
      environment: 'demo',
      host: secrets.host,
      port: secrets.port,
      database: secrets.database,
      user,
      caCertificate: null,
      tlsServerName: null,
      r2: r2 === null ? null : { endpoint: r2.endpoint, bucket: r2.bucket },
    }),
    password,
    objectStoreKeys:
      r2 === null ? null : { accessKeyId: r2.accessKeyId, secretAccessKey: r2.secretAccessKey },
  };
}

async function readDemoSecrets(folder: string): Promise<ReadDemoSecrets> {
  let file;
  try {
    // Checked on the open file, so that what is read is what was checked. Windows has neither flag nor owner.
    file = await open(join(folder, demoSecretsFile), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new ExpectedError(
        'not_found',
        'No demo is running; start it with `npm run demo -- --platform-only`.',
      );
    }
    throw foreign();
  }
  try {
    const { uid, mode } = await file.stat();
    const me = process.getuid?.();
    if (me !== undefined && (uid !== me || (mode & 0o177) !== 0)) throw foreign();
    const parsed = demoSecretsShape.safeParse(JSON.parse(await file.readFile('utf8')));
    if (!parsed.success) throw foreign();
    return parsed.data;
  } catch {
    throw foreign();
  } finally {
    await file.close();
  }
}

function foreign(): ExpectedError {
  return new ExpectedError(
    'refused',
    "The demo's file of secrets is damaged or not only yours, so it was not used; stop the demo and start it again.",
  );
}
