import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { DatabaseTarget } from '#core/database/pool.ts';
import { isLoopback } from '#core/database/tls.ts';

/** How dangerous a mistake is; the window shows it at the top of every screen. */
export const environments = ['production', 'staging', 'demo'] as const;

export type Environment = (typeof environments)[number];

export const profileName = z
  .string()
  .regex(/^[a-z0-9-]{1,40}$/, 'A name has 1 to 40 small letters, digits and hyphens.');

/** A host name or an address and nothing more: no URL, whose parameters could switch TLS off, and no socket's folder. */
const host = z
  .string()
  .max(253)
  .regex(
    /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/,
    'The host is a name or an address, without a scheme, port or path.',
  );

/** PostgreSQL cuts names after 63 bytes. */
const databaseName = z
  .string()
  .min(1, 'This is needed.')
  .refine((name) => Buffer.byteLength(name) <= 63, 'At most 63 bytes.')
  .refine((name) => !/\p{Cc}/u.test(name), 'No control characters.');

const certificate = z.string().refine(isCertificate, 'This is not a certificate in PEM form.');

const objectStore = z.strictObject({
  endpoint: z
    .string()
    .refine(isEndpoint, 'The endpoint is https://, a host and nothing more (http:// only on this computer).'),
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'A bucket has 3 to 63 small letters, digits and hyphens.'),
});

/** Where a console works and how it gets there. Unknown keys are refused, so that no secret can hide in one. */
export const profileShape = z
  .strictObject({
    name: profileName,
    environment: z.enum(environments),
    host,
    port: z.int().min(1).max(65_535),
    database: databaseName,
    user: databaseName,
    /** One or more PEM certificates that replace the public ones; `null` trusts the public ones. */
    caCertificate: certificate.nullable(),
    /** The name the server's certificate carries when `host` is the near end of a tunnel. */
    tlsServerName: host.nullable(),
    r2: objectStore.nullable(),
  })
  .refine((profile) => profile.environment !== 'demo' || isLoopback(profile.host), {
    path: ['host'],
    message: 'A demo is on this computer: 127.0.0.1, ::1 or localhost.',
  })
  .refine(
    ({ environment, r2 }) => environment === 'demo' || r2 === null || r2.endpoint.startsWith('https://'),
    { path: ['r2', 'endpoint'], message: 'Only a demo may do without https://.' },
  );

export type Profile = z.infer<typeof profileShape>;

/** A profile as somebody typed it; the first thing that is wrong becomes an `invalid_input`. */
export function parseProfile(given: unknown): Profile {
  const parsed = profileShape.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  // A message of zod's own may quote what was given; only ours are passed on, they name no value.
  const what = issue?.code === 'custom' || issue?.code === 'invalid_format' ? issue.message : 'Correct it.';
  throw new ExpectedError('invalid_input', `The profile can't be used because of "${where}". ${what}`);
}

/** What the pool needs to sign in with a profile. A demo profile does without TLS, any other never. */
export function databaseTarget(profile: Profile, password: string, workstation: string): DatabaseTarget {
  const { host, port, database, user } = profile;
  return {
    host,
    port,
    database,
    user,
    password,
    workstation,
    tls:
      profile.environment === 'demo'
        ? { mode: 'loopback' }
        : {
            mode: 'verify',
            ca: profile.caCertificate ?? undefined,
            serverName: profile.tlsServerName ?? undefined,
          },
  };
}

function isCertificate(pem: string): boolean {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (blocks === null || pem.length > 200_000 || pem.includes('PRIVATE KEY')) return false;
  try {
    for (const block of blocks) new X509Certificate(block);
    return true;
  } catch {
    return false;
  }
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.search !== '' || url.hash !== '') return false;
  if (url.protocol === 'http:') return isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'));
  return url.protocol === 'https:' && url.pathname === '/';
}
