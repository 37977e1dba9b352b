import path from 'node:path';
import { stdin } from 'node:process';
import { Option, type Command as Commander } from 'commander';
import type { PackageSource, PackageVerdict } from '#shared/contract/exports.ts';
import type { InputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { Refused, UsageError, type Command } from './command.ts';
import { readAll } from './input.ts';
import { wholeNumber } from './numbers.ts';
import type { Layout } from './print.ts';

interface Opening {
  readonly identity?: string;
  readonly passphraseStdin: boolean;
}

interface ShowOptions extends Opening {
  readonly collection?: string;
  readonly files: boolean;
  readonly from: number;
  readonly limit: number;
}

type Run = (
  work: (command: Command) => Promise<unknown>,
  options?: {
    readonly signIn?: boolean;
    readonly as?: Layout;
    readonly refused?: (value: never) => boolean;
  },
) => Promise<void>;

const withOpening = (command: Commander): Commander =>
  command
    .option('--identity <file>', 'opens an encrypted one: what age-keygen wrote')
    .option(
      '--passphrase-stdin',
      'opens an encrypted one: the passphrase is read from standard input',
      false,
    );

async function sourceOf(file: string, { identity, passphraseStdin }: Opening): Promise<PackageSource> {
  return {
    file: path.resolve(file),
    ...(identity === undefined ? {} : { identityFile: path.resolve(identity) }),
    ...(passphraseStdin ? { passphrase: (await readAll(stdin)).replace(/\r?\n$/, '') } : {}),
  };
}

/** Packages that lie on this computer, and the keys that sign them. */
export function packageCommands(program: Commander, run: Run, json: () => boolean): void {
  const packages = program.command('package').description('packages, offline');
  withOpening(packages.command('verify <file>'))
    .option('--signer <key>', 'refuses any other signer than this: SHA256:…, or a file with the public key')
    .description('checks a package, its records and its signature, and names every fault')
    .action((file: string, { signer, ...opening }: Opening & { readonly signer?: string }) =>
      run(
        async (command) =>
          verified(command, {
            ...(await sourceOf(file, opening)),
            ...(signer === undefined ? {} : { signer }),
          }),
        { signIn: false, refused: (value: { intact: boolean }) => !value.intact },
      ),
    );
  withOpening(packages.command('show <file>'))
    .option('--collection <name>', 'shows its records; without it, what the package says of itself')
    .option('--files', 'lists the files', false)
    .addOption(new Option('--from <line>', 'the first record or file').argParser(wholeNumber).default(1))
    .addOption(
      new Option('--limit <number>', 'records or files that are shown').argParser(wholeNumber).default(50),
    )
    .description('shows what a package holds, without unpacking it; “verify” says whether to believe it')
    .action((file: string, options: ShowOptions) =>
      run(async (command) => show(command, await sourceOf(file, options), options, json()), {
        signIn: false,
      }),
    );

  const keys = program
    .command('keys')
    .description('keys that sign packages: whose they are, and which are retired');
  keys
    .command('list')
    .description('lists them')
    .action(() =>
      run(async (command) => {
        const { keys: all } = await command.call('keys.list', {});
        if (json()) return all;
        return all.map((key) => ({
          key: key.id,
          login: key.login,
          person: key.person,
          workstation: key.workstation,
          fingerprint: key.fingerprint,
          registered: key.registeredAt,
          packages: key.packages,
          state: en.settings.keys.state(key),
        }));
      }),
    );
  keys
    .command('show')
    .argument('<key>', 'number of the key', wholeNumber)
    .description('shows one, with its public key for openssl (PEM) and for ssh-keygen (allowed signers)')
    .action((keyId: number) =>
      run(
        async (command) => {
          const key = (await command.call('keys.list', {})).keys.find(({ id }) => id === keyId);
          if (key === undefined) {
            throw new Refused({
              code: 'not_found',
              message: `There is no signing key ${String(keyId)}; “console keys list” names them.`,
            });
          }
          if (json()) return key;
          return `${en.settings.keys.inWords(key)}\n${key.fingerprint}\n\n${key.pem}\n${key.allowedSigner}`.trimEnd();
        },
        { as: json() ? 'record' : 'text' },
      ),
    );
  keys
    .command('retire')
    .argument('<key>', 'number of the key', wholeNumber)
    .requiredOption('--reason <text>')
    .description('retires one for good; another person’s only as approver')
    .action((keyId: number, options: { reason: string }) =>
      run((command) => command.call('keys.retire', { keyId, ...options })),
    );
}

/** Waits for the check of a package. */
async function verified(command: Command, input: InputOf<'packages.verify'>): Promise<PackageVerdict> {
  const { jobId } = await command.call('packages.verify', input);
  // The job's result is that by its kind.
  return (await command.finish(jobId)).result as unknown as PackageVerdict;
}

async function show(
  command: Command,
  source: PackageSource,
  { collection, files, from, limit }: ShowOptions,
  asJson: boolean,
): Promise<unknown> {
  if (files && collection !== undefined)
    throw new UsageError('Say either --collection NAME or --files; each is a list of its own.');
  const page = { ...source, from, limit: Math.min(limit, 500) };
  if (files) return command.call('packages.files', page);
  if (collection === undefined) return (await verified(command, source)).about;
  const { records, next } = await command.call('packages.records', { ...page, collection });
  if (asJson) return { records, next };
  return {
    records: records.map(({ line, values, tooLong }) => ({
      line,
      ...values,
      ...(tooLong ? { tooLong } : {}),
    })),
    next,
  };
}
