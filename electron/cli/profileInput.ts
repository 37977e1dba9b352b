import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { z } from 'zod';
import type { Environment, Profile } from '#shared/contract/connections.ts';
import type { InputOf } from '#shared/contract/index.ts';
import { UsageError } from './command.ts';
import { readAll } from './input.ts';

/** Options of `profile save`. */
export interface ProfileInput {
  readonly environment: Environment;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly ca?: string;
  readonly tlsServerName?: string;
  readonly r2Endpoint?: string;
  readonly r2Bucket?: string;
}

export interface SecretsInput {
  readonly secretsStdin: boolean;
  readonly r2Bucket?: string;
}

type Secrets = Pick<InputOf<'profiles.save'>, 'password' | 'objectStoreKeys'>;

export async function profileInput(name: string, options: ProfileInput): Promise<Profile> {
  if ((options.r2Endpoint === undefined) !== (options.r2Bucket === undefined)) {
    throw new UsageError('--r2-endpoint and --r2-bucket go together.');
  }
  return {
    name,
    environment: options.environment,
    host: options.host,
    port: options.port,
    database: options.database,
    user: options.user,
    caCertificate: options.ca === undefined ? null : await readCertificate(options.ca),
    tlsServerName: options.tlsServerName ?? null,
    r2:
      options.r2Endpoint === undefined || options.r2Bucket === undefined
        ? null
        : { endpoint: options.r2Endpoint, bucket: options.r2Bucket },
  };
}

async function readCertificate(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new UsageError('The file of --ca can’t be read.');
  }
}

const given = z.strictObject({
  password: z.string().min(1).optional(),
  accessKeyId: z.string().min(1).optional(),
  secretAccessKey: z.string().min(1).optional(),
  readOnly: z.boolean().default(false),
});

/** Secrets never come as arguments, which every process of the machine can read. */
export async function readSecrets(options: SecretsInput, input: NodeJS.ReadStream): Promise<Secrets> {
  if (options.secretsStdin) {
    let text = '';
    for await (const chunk of input) text += String(chunk);
    let parsed;
    try {
      parsed = given.parse(JSON.parse(text));
    } catch {
      throw new UsageError(
        'Standard input holds no JSON of the fields password, accessKeyId, secretAccessKey, readOnly.',
      );
    }
    return toSecrets(parsed);
  }
  if (!input.isTTY) {
    process.stderr.write(
      `Without a terminal nothing is asked, so no password is saved; write: echo '{"password": "…"}' | console profile save … --secrets-stdin\n`,
    );
    return {};
  }
  const password = await ask('Database password (empty to leave as it is): ', input);
  const accessKeyId =
    options.r2Bucket === undefined ? '' : await ask('R2 access key id (empty to leave as it is): ', input);
  const secretAccessKey = accessKeyId === '' ? '' : await ask('R2 secret access key: ', input);
  return toSecrets({
    ...(password === '' ? {} : { password }),
    ...(accessKeyId === '' ? {} : { accessKeyId, secretAccessKey }),
    readOnly: false,
  });
}

/** Options of what asks for the caller's password again. */
export interface PasswordInput {
  readonly passwordStdin?: boolean;
}

/**
 * The password of one's own login, typed again for an approval; from a pipe only where asked for.
 * @returns nothing for a demo login, which needs none
 */
export async function typedPassword(
  profile: string | null,
  options: PasswordInput,
  input: NodeJS.ReadStream,
): Promise<{ readonly password?: string }> {
  if (options.passwordStdin === true) {
    const password = (await readAll(input)).replace(/\r?\n$/, '');
    if (password === '') throw new UsageError('Standard input holds no password.');
    return { password };
  }
  if (profile?.startsWith('demo:') === true) return {};
  if (!input.isTTY)
    throw new UsageError(
      'An approval needs your password: on a terminal, or on standard input with --password-stdin.',
    );
  return { password: await ask('Password of your login: ', input) };
}

function toSecrets(from: z.output<typeof given>): Secrets {
  const { password, accessKeyId, secretAccessKey, readOnly } = from;
  return {
    ...(password === undefined ? {} : { password }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { objectStoreKeys: { accessKeyId, secretAccessKey, readOnly } }),
  };
}

async function ask(question: string, input: NodeJS.ReadStream): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input, output: silent, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
