import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { DatabaseTarget } from '#core/database/pool.ts';
import { isLoopback } from '#core/database/tls.ts';
import { environments, profile, type Environment, type Profile } from '#shared/contract/connections.ts';

export { environments };
export type { Environment, Profile };

/** The name under which a profile is kept; `demo:…` names none, it comes from a running demo. */
export const profileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'A name has 1 to 40 small letters, digits and hyphens.');

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

/** The profile of the contract, under the rules that keep it from leading anywhere without protection. */
export const profileShape = profile
  .extend({
    name: profileName,
    host,
    database: databaseName,
    user: databaseName,
    caCertificate: certificate.nullable(),
    tlsServerName: host.nullable(),
    r2: objectStore.nullable(),
  })
  .refine(({ environment, host }) => environment !== 'demo' || isLoopback(host), {
    path: ['host'],
    message: 'A demo is on this computer: 127.0.0.1, ::1 or localhost.',
  })
  .refine(
    ({ environment, r2 }) => r2 === null || (environment === 'demo') === isLoopbackEndpoint(r2.endpoint),
    {
      path: ['r2', 'endpoint'],
      message: "A demo's store is on this computer, that of any other profile is reached by https://.",
    },
  ) satisfies z.ZodType<Profile>;

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
export function databaseTarget(signIn: Profile, password: string, workstation: string): DatabaseTarget {
  const { host, port, database, user } = signIn;
  return {
    host,
    port,
    database,
    user,
    password,
    workstation,
    tls:
      signIn.environment === 'demo'
        ? { mode: 'loopback' }
        : {
            mode: 'verify',
            ca: signIn.caCertificate ?? undefined,
            serverName: signIn.tlsServerName ?? undefined,
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

/** Whether a store's address can only mean this machine. */
export function isLoopbackEndpoint(endpoint: string): boolean {
  const url = URL.parse(endpoint);
  return url !== null && isLoopback(url.hostname.replace(/^\[(.*)\]$/, '$1'));
}

function isEndpoint(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return false;
  if (url.search !== '' || url.hash !== '') return false;
  if (url.protocol === 'http:') return isLoopbackEndpoint(text);
  return url.protocol === 'https:' && url.pathname === '/';
}
