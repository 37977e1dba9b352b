import { z } from 'zod';
import { demoProfileNamePattern, ownProfileNamePattern } from '../domain/profiles.ts';
import { roles } from '../domain/roles.ts';
import { operation } from './operation.ts';

export const environments = ['production', 'staging', 'demo'] as const;
export type Environment = (typeof environments)[number];

const needed = 'This is needed.';

export const ownProfileName = z
  .string()
  .regex(ownProfileNamePattern, 'A name has 1 to 40 small letters, digits and hyphens.');

export const profileName = z.union([ownProfileName, z.string().regex(demoProfileNamePattern)]);

/** Where a platform is and how it is reached; never holds a secret. The core narrows it further before it is kept or used. */
export const profile = z.strictObject({
  name: profileName,
  environment: z.enum(environments),
  host: z.string().min(1, needed).max(253),
  port: z.number().int().min(1).max(65535),
  database: z.string().min(1, needed).max(63),
  user: z.string().min(1, needed).max(63),
  /** PEM text of the authority that signed the server's certificate; null trusts the system's authorities. */
  caCertificate: z.string().max(100_000).nullable(),
  /** The name the server's certificate must carry when it isn't `host` (a tunnel); null means `host`. */
  tlsServerName: z.string().min(1, needed).max(253).nullable(),
  r2: z.strictObject({ endpoint: z.string().max(2_000), bucket: z.string().min(1).max(63) }).nullable(),
});
export type Profile = z.infer<typeof profile>;

export const connectionStep = z.object({
  name: z.enum(['resolve', 'reach', 'certificate', 'login', 'schema', 'rights', 'bucket']),
  state: z.enum(['ok', 'failed', 'skipped']),
  /** What was found, in one sentence. */
  says: z.string(),
  /** What to do about it; only when failed. */
  todo: z.string().nullable(),
});
export type ConnectionStep = z.infer<typeof connectionStep>;

export const session = z.object({
  profile: z.string(),
  environment: z.enum(environments),
  database: z.string(),
  host: z.string(),
  /** The login role. */
  login: z.string(),
  /** The person of staff this login belongs to. */
  person: z.string(),
  roles: z.array(z.enum(roles)),
  schemaVersion: z.number().int(),
  mapHash: z.string(),
  /** Whether this profile can reach the bucket. */
  objectStore: z.boolean(),
  /** What contradicts the history this console saw; while set, nothing but the trail can be worked with. */
  trailFault: z.object({ number: z.number().int(), says: z.string() }).nullable(),
  /** The last restore from a backup that two people have said: entries up to `lost` of the history before are gone. */
  restored: z
    .object({ lost: z.number().int(), declaredBy: z.string(), confirmedBy: z.string(), at: z.string() })
    .nullable(),
});
export type Session = z.infer<typeof session>;

export const connections = {
  'profiles.list': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'lists the profiles of this workstation, and the demo’s while it runs',
    input: z.strictObject({}),
    output: z.object({
      profiles: z.array(profile.extend({ hasPassword: z.boolean(), hasObjectStoreKeys: z.boolean() })),
    }),
  }),
  'profiles.save': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'adds or changes a profile; secrets go to the keychain and never come back',
    input: z.strictObject({
      profile,
      password: z.string().min(1).max(1_000).optional(),
      objectStoreKeys: z
        .strictObject({
          accessKeyId: z.string().min(1).max(500),
          secretAccessKey: z.string().min(1).max(500),
          /** A token that can only read: this profile then runs no deletions. */
          readOnly: z.boolean().default(false),
        })
        .optional(),
    }),
    output: z.object({}),
  }),
  'profiles.remove': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'removes a profile and its secrets from this workstation',
    input: z.strictObject({ name: profileName }),
    output: z.object({}),
  }),
  'profiles.test': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'tests a connection in named steps',
    input: z.strictObject({ name: profileName }),
    output: z.object({ steps: z.array(connectionStep) }),
  }),
  'session.current': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'tells who is signed in',
    input: z.strictObject({}),
    output: z.object({ session: session.nullable(), locked: z.boolean() }),
  }),
  'session.signIn': operation({
    effect: 'write',
    permission: 'anyone',
    summary: 'signs in with a profile',
    input: z.strictObject({ profile: profileName, password: z.string().min(1).max(1_000).optional() }),
    output: z.object({ session }),
  }),
  'session.signOut': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'signs out and closes the connections',
    input: z.strictObject({}),
    output: z.object({}),
  }),
  'session.lock': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'locks the window; running jobs go on',
    input: z.strictObject({}),
    output: z.object({}),
  }),
  'session.unlock': operation({
    effect: 'local',
    permission: 'anyone',
    summary: 'unlocks with the login’s password; a demo login needs none',
    input: z.strictObject({ password: z.string().min(1).max(1_000).optional() }),
    output: z.object({ session }),
  }),
} as const;
