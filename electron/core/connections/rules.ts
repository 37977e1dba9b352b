import { X509Certificate } from 'node:crypto';
import type { z } from 'zod';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { DatabaseTarget } from '#core/database/pool.ts';
import { isLoopback } from '#core/database/tls.ts';
import {
  environments,
  ownProfileName,
  profile,
  type Environment,
  type Profile,
} from '#shared/contract/connections.ts';

export { environments, ownProfileName };
export type { Environment, Profile };

const given = profile.shape;
const givenStore = given.r2.unwrap();

/** A host name or an address and nothing more: no URL, whose parameters could switch TLS off, and no socket's folder. */
const hostRule = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)$/;
const hostSays = 'The host is a name or an address, without a scheme, port or path.';

/** PostgreSQL cuts names after 63 bytes. */
function databaseName(name: z.ZodString): z.ZodString {
  return name
    .refine((text) => Buffer.byteLength(text) <= 63, 'At most 63 bytes.')
    .refine((text) => !/\p{Cc}/u.test(text), 'No control characters.');
}

/** The contract's profile, each field narrowed by the rules that keep it from leading anywhere without protection. */
export const profileShape = profile
  .extend({
    name: ownProfileName,
    host: given.host.regex(hostRule, hostSays),
    database: databaseName(given.database),
    user: databaseName(given.user),
    caCertificate: given.caCertificate
      .unwrap()
      .refine(isCertificate, 'This is not a certificate in PEM form.')
      .nullable(),
    tlsServerName: given.tlsServerName.unwrap().regex(hostRule, hostSays).nullable(),
    r2: givenStore
      .extend({
        endpoint: givenStore.shape.endpoint.refine(
          isEndpoint,
          'The endpoint is https://, a host and nothing more (http:// only on this computer).',
        ),
        bucket: givenStore.shape.bucket.regex(
          /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
          'A bucket has 3 to 63 small letters, digits and hyphens.',
        ),
      })
      .nullable(),
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
  const what =
    issue !== undefined &&
    ['custom', 'invalid_format', 'too_small'].includes(issue.code) &&
    issue.path[0] !== 'port'
      ? issue.message
      : 'Correct it.';
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
  if (blocks === null || pem.includes('PRIVATE KEY')) return false;
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
