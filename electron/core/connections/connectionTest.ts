import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { PeerCertificate } from 'node:tls';
import { fromDriver } from '#core/database/errors.ts';
import { openPool, type Pool } from '#core/database/pool.ts';
import { reachServer, upgradeToTls } from '#core/database/tls.ts';
import { cancelled, ExpectedError } from '#core/kernel/errors.ts';
import type { ObjectStoreKeys } from '#core/keychain/index.ts';
import { connectionStep, type ConnectionStep, type Profile } from '#shared/contract/connections.ts';
import { databaseTarget } from './rules.ts';

/** The steps of a connection test, in the order in which they run. */
export const connectionSteps = connectionStep.shape.name.options;

export type { ConnectionStep };

export type ConnectionStepName = ConnectionStep['name'];

export interface ConnectionTestInput {
  readonly profile: Profile;
  readonly password: string;
  /** `null` when the profile has no R2 or no keys for it yet. */
  readonly objectStoreKeys: ObjectStoreKeys | null;
  readonly workstation: string;
  readonly version: string;
}

/** What the test asks of others. Each says in a sentence what it found, or rejects with an `ExpectedError`. */
export interface ConnectionChecks {
  /** The schema is there, and its version fits the program. */
  readonly schema: (pool: Pool, signal: AbortSignal | undefined) => Promise<string>;
  /** The login is registered and holds a role. */
  readonly rights: (pool: Pool, signal: AbortSignal | undefined) => Promise<string>;
  /** R2 is reachable, the bucket exists, and the key is accepted. */
  readonly bucket: (
    r2: NonNullable<Profile['r2']>,
    keys: ObjectStoreKeys,
    signal: AbortSignal | undefined,
  ) => Promise<string>;
}

const timeoutMs = 8_000;

/**
 * Tests a profile step by step. A failed step skips those that build on it; the bucket does not build on the
 * database and is tried in any case. Rejects only when cancelled or for a bug: a failure is a step.
 */
export async function testConnection(
  input: ConnectionTestInput,
  checks: ConnectionChecks,
  options: { readonly signal?: AbortSignal; readonly onStep?: (step: ConnectionStep) => void } = {},
): Promise<readonly ConnectionStep[]> {
  const { signal, onStep } = options;
  const steps: ConnectionStep[] = [];
  let reachable = true;
  const report = (step: ConnectionStep): void => {
    steps.push(step);
    onStep?.(step);
  };
  const attempt = async (name: ConnectionStepName, work: () => Promise<string>): Promise<boolean> => {
    refuseAborted(signal);
    try {
      report({ name, state: 'ok', says: await work(), todo: null });
      return true;
    } catch (error) {
      refuseAborted(signal);
      if (!(error instanceof ExpectedError)) throw error;
      report({ name, state: 'failed', ...inTwo(error.message) });
      return false;
    }
  };
  const next = async (name: ConnectionStepName, work: () => Promise<string>): Promise<void> => {
    if (reachable) reachable = await attempt(name, work);
    else report({ name, state: 'skipped', says: 'Not tried, because a step before it failed.', todo: null });
  };

  const { profile } = input;
  const target = databaseTarget(profile, input.password, input.workstation);
  await next('resolve', () => resolve(profile.host));
  await next('reach', async () => {
    (await reachServer(profile, timeoutMs, signal)).destroy();
    return `Port ${profile.port} answers.`;
  });
  if (target.tls.mode === 'verify') {
    const { tls } = target;
    await next('certificate', async () => {
      const socket = await reachServer(profile, timeoutMs, signal);
      const secured = await upgradeToTls(socket, profile.host, tls, timeoutMs, signal);
      try {
        return describeCertificate(secured.getPeerCertificate(), secured.getProtocol());
      } finally {
        secured.destroy();
      }
    });
  } else {
    report({
      name: 'certificate',
      state: 'skipped',
      says: 'A demo on this computer does without TLS; no other profile can.',
      todo: null,
    });
  }
  let pool: Pool | undefined;
  try {
    await next('login', async () => {
      pool = openPool(target, { version: input.version, environment: profile.environment });
      await pool.query('select 1', [], { signal });
      return `The database accepts ${profile.user}.`;
    });
    for (const name of ['schema', 'rights'] as const) {
      await next(name, async () => {
        if (pool === undefined) throw new Error('The login step left no pool.');
        return checks[name](pool, signal);
      });
    }
  } finally {
    await pool?.close();
  }
  const { r2 } = profile;
  const keys = input.objectStoreKeys;
  if (r2 === null) {
    report({ name: 'bucket', state: 'skipped', says: 'The profile names no bucket.', todo: null });
  } else if (keys === null) {
    report({
      name: 'bucket',
      state: 'failed',
      ...inTwo('There are no R2 keys for this profile; enter them.'),
    });
  } else {
    await attempt('bucket', () => checks.bucket(r2, keys, signal));
  }
  return steps;
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled('The connection test');
}

/** The sentences of expected errors say what happened and, after a semicolon, what to do. */
function inTwo(message: string): Pick<ConnectionStep, 'says' | 'todo'> {
  const [says = message, ...rest] = message.split('; ');
  if (rest.length === 0) return { says, todo: null };
  const todo = rest.join('; ');
  return { says: `${says}.`, todo: `${todo.charAt(0).toUpperCase()}${todo.slice(1)}` };
}

async function resolve(host: string): Promise<string> {
  if (isIP(host) !== 0) return `${host} is an address.`;
  try {
    const addresses = await lookup(host, { all: true });
    return `${host} is ${addresses.map(({ address }) => address).join(', ')}.`;
  } catch (error) {
    throw fromDriver(error);
  }
}

function describeCertificate(certificate: PeerCertificate, protocol: string | null): string {
  const { issuer, valid_to: validTo } = certificate;
  const name = issuer.O ?? issuer.CN ?? 'an unnamed authority';
  const until = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeZone: 'UTC' }).format(
    new Date(validTo),
  );
  return `${protocol ?? 'TLS'}, signed by ${Array.isArray(name) ? name.join(', ') : name}, valid until ${until}.`;
}
