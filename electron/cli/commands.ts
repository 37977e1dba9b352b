import { readFile, writeFile } from 'node:fs/promises';
import { stdin } from 'node:process';
import path from 'node:path';
import { Command as Commander, CommanderError, Option } from 'commander';
import { roles } from '#shared/domain/roles.ts';
import { requestKinds } from '#shared/domain/requests.ts';
import { environments } from '#shared/contract/connections.ts';
import { pageLanguages, type PageLanguage } from '#shared/contract/exports.ts';
import {
  inventoryFormats,
  type CheckFinding,
  type MapChange,
  type MapComparison,
} from '#shared/contract/dataMap.ts';
import type { ErasureFind, ErasureOutcome } from '#shared/contract/erasure.ts';
import type { InputOf, OutputOf } from '#shared/contract/index.ts';
import type { Access } from '#shared/contract/subjects.ts';
import { describeEntry, en } from '#shared/strings/en.ts';
import { readAll } from './input.ts';
import type { ProfileInput, SecretsInput } from './profileInput.ts';
import { profileInput, readSecrets, typedPassword, type PasswordInput } from './profileInput.ts';
import type { Layout } from './print.ts';
import { Refused, UsageError, type Command } from './command.ts';
import { scopeFrom, withScope, type ScopeOptions } from './exportScope.ts';
import { wholeNumber } from './numbers.ts';
import { batchCommands, runDueBatches } from './batchCommands.ts';
import { correctionCommands } from './correctionCommands.ts';
import { holdCommands } from './holdCommands.ts';
import { ledgerCommands } from './ledgerCommands.ts';
import { restrictionCommands } from './restrictionCommands.ts';
import { retentionCommands } from './retentionCommands.ts';
import { packageCommands } from './packageCommands.ts';
import { deliveryCommands } from './deliveryCommands.ts';
import { reviewCommands } from './reviewCommands.ts';

/** What a command came to. */
export interface Ran {
  readonly value: unknown;
  readonly as: Layout;
  /** Done, but what was asked is not as it should be: a broken trail, a package with faults. */
  readonly refused: boolean;
}

interface GlobalOptions {
  readonly profile: string | null;
  readonly json: boolean;
}

interface CheckOptions {
  readonly map?: string;
  readonly sample: boolean;
  readonly against?: string;
  readonly bucket: boolean;
  readonly keys?: string;
}

interface DraftOptions {
  readonly output: string;
  readonly subject?: string;
  readonly sample: boolean;
  readonly merge?: string;
}

interface ExplainOptions {
  readonly map?: string;
  readonly format: 'text' | 'dot' | 'svg' | 'json';
  readonly output?: string;
  readonly sql: boolean;
  readonly subject?: string;
  readonly collection?: string;
  readonly limit: number;
  readonly cursor?: string;
  readonly request?: number;
  readonly reason?: string;
}

interface ProtectionOptions {
  readonly recipient?: string[];
  readonly passphrase: boolean;
}

interface ExportOptions extends ScopeOptions, ProtectionOptions {
  readonly to: string;
  readonly folder: boolean;
  readonly language: PageLanguage;
}

type InventoryFormat = (typeof inventoryFormats)[number];

const because = (command: Commander): Commander =>
  command
    .addOption(new Option('--request <number>', 'the request this is for').argParser(wholeNumber))
    .option('--reason <text>', 'why, when there is no request; marked in the trail');

/** What the live bucket holds that no row names, and the other way round. */
async function bucketFindings(command: Command, { keys }: CheckOptions): Promise<CheckFinding[]> {
  const { jobId } = await command.call(
    'map.checkBucket',
    keys === undefined ? {} : { keysFile: path.resolve(keys) },
  );
  const { result } = await command.finish(jobId);
  return (result?.['findings'] ?? []) as CheckFinding[];
}

function protectionOf({ recipient, passphrase }: ProtectionOptions): InputOf<'exports.start'>['protection'] {
  if (recipient !== undefined) return { kind: 'recipients', recipients: recipient };
  return { kind: passphrase ? 'passphrase' : 'none' };
}

function withProtection(command: Commander): Commander {
  return command
    .option('--recipient <key...>', 'encrypts it for the holder of an age key, age1…; for each of several')
    .addOption(
      new Option('--passphrase', 'encrypts it with a passphrase, which is made, and told once')
        .default(false)
        .conflicts('recipient'),
    );
}

/** Waits for a package; what a person has to know of it comes with it. */
async function finishExport(
  command: Command,
  jobId: string,
  passphrase: string | null,
): Promise<Readonly<Record<string, unknown>>> {
  const { result } = await command.finish(jobId);
  return {
    ...result,
    ...(passphrase === null ? {} : { passphrase }),
    ...(result?.['signer'] === null ? { note: en.exportPage.unsignedNote } : {}),
  };
}

/** Parses the arguments and runs the command they name; `shown` when only help was asked for. */
export async function commands(
  argv: readonly string[],
  begin: (options: GlobalOptions) => Command,
): Promise<Ran | 'shown'> {
  let ran: Ran | 'shown' = 'shown';
  const program = new Commander('console')
    .description('The CloudSingh Privacy Console on the command line.')
    .option('--profile <name>', 'profile to work with, e.g. demo:operator while a demo runs')
    .option('--json', 'print one line of JSON', false)
    .exitOverride()
    .showHelpAfterError()
    .configureOutput({ writeErr: (text) => process.stderr.write(text) });
  const globals = (): GlobalOptions => {
    const options = program.opts<{ profile?: string; json: boolean }>();
    return { profile: options.profile ?? null, json: options.json };
  };
  const run = async (
    work: (command: Command) => Promise<unknown>,
    options: {
      readonly signIn?: boolean;
      readonly as?: Layout;
      readonly refused?: (value: never) => boolean;
    } = {},
  ): Promise<void> => {
    const command = begin(globals());
    if (options.signIn !== false) await command.signIn();
    const value = await work(command);
    ran = { value, as: options.as ?? 'record', refused: options.refused?.(value as never) ?? false };
  };
  const profileNamed = (command: Command): string => {
    if (command.profile === null) throw new UsageError('Say which profile: --profile NAME.');
    return command.profile;
  };

  const profile = program.command('profile').description('profiles of this workstation');
  profile
    .command('list')
    .description('lists them')
    .action(() =>
      run(
        async (command) =>
          (await command.call('profiles.list', {})).profiles.map((each) => ({
            name: each.name,
            environment: each.environment,
            host: `${each.host}:${each.port}`,
            database: each.database,
            user: each.user,
            bucket: each.r2?.bucket ?? null,
            password: each.hasPassword,
            r2Keys: each.hasObjectStoreKeys,
          })),
        { signIn: false },
      ),
    );
  profile
    .command('save <name>')
    .description('adds or changes a profile; secrets are asked for, or read from standard input as JSON')
    .addOption(new Option('--environment <kind>').choices(environments).makeOptionMandatory())
    .requiredOption('--host <host>')
    .addOption(new Option('--port <number>').argParser(wholeNumber).default(5432))
    .requiredOption('--database <name>')
    .requiredOption('--user <login>')
    .option('--ca <file>', 'PEM file of the authority that signed the server’s certificate')
    .option('--tls-server-name <name>', 'name in the certificate, when the host is a tunnel')
    .option('--r2-endpoint <url>')
    .option('--r2-bucket <name>')
    .option(
      '--secrets-stdin',
      'read {"password", "accessKeyId", "secretAccessKey", "readOnly"} from standard input',
      false,
    )
    .action((name: string, options: ProfileInput & SecretsInput) =>
      run(
        async (command) => {
          const secrets = await readSecrets(options, stdin);
          await command.call('profiles.save', { profile: await profileInput(name, options), ...secrets });
          return { saved: name };
        },
        { signIn: false },
      ),
    );
  profile
    .command('remove <name>')
    .description('removes a profile and its secrets')
    .action((name: string) =>
      run(
        async (command) => {
          await command.call('profiles.remove', { name });
          return { removed: name };
        },
        { signIn: false },
      ),
    );
  profile
    .command('test')
    .description('tests the connection in named steps')
    .action(() =>
      run(async (command) => (await command.call('profiles.test', { name: profileNamed(command) })).steps, {
        signIn: false,
        refused: (steps: readonly { state: string }[]) => steps.some((step) => step.state === 'failed'),
      }),
    );

  const db = program.command('db').description('the console’s schema in the database');
  db.command('status')
    .description('version, map hash, drift, and what staff reach outside the guard')
    .action(() =>
      run((command) => command.call('database.status', { profile: profileNamed(command) }), {
        signIn: false,
      }),
    );
  db.command('install')
    .description('installs or upgrades the schema; --print only shows the SQL and the rights it needs')
    .option('--print', 'show, don’t run', false)
    .option('--map <file>', 'data map to install; the shipped one otherwise')
    .option('--person <name>', 'who the administrator is')
    .action((options: { print: boolean; map?: string; person?: string }) =>
      run(
        async (command) => {
          const named = {
            profile: profileNamed(command),
            ...(options.map === undefined ? {} : { map: options.map }),
          };
          if (!options.print) {
            return command.call('database.install', {
              ...named,
              ...(options.person === undefined ? {} : { person: options.person }),
            });
          }
          const { script, rights } = await command.call('database.script', named);
          return globals().json
            ? { script, rights }
            : `-- Needs:\n${rights.map((each) => `--   ${each}`).join('\n')}\nbegin;\n${script}\ncommit;`;
        },
        { signIn: false, as: options.print && !globals().json ? 'text' : 'record' },
      ),
    );
  db.command('uninstall')
    .description('removes the schema; needs the trail, exported just before')
    .requiredOption('--trail <file>', 'what “console audit export” wrote')
    .action((options: { trail: string }) =>
      run(
        (command) =>
          command.call('database.uninstall', {
            profile: profileNamed(command),
            trail: path.resolve(options.trail),
          }),
        {
          signIn: false,
        },
      ),
    );
  db.command('indexes')
    .description('lists the indexes search and paging profit from')
    .option('--apply', 'build them, without blocking the platform', false)
    .action((options: { apply: boolean }) =>
      run(
        async (command) =>
          (await command.call('database.indexes', { profile: profileNamed(command), apply: options.apply }))
            .indexes,
        {
          signIn: false,
        },
      ),
    );

  const staff = program.command('staff').description('staff, their logins and roles');
  staff
    .command('list')
    .description('lists them')
    .action(() => run(async (command) => (await command.call('staff.list', {})).staff));
  staff
    .command('add <login>')
    .description(
      'adds a login, or changes its roles; a first password is read from standard input with --password-stdin',
    )
    .requiredOption('--person <name>', 'whose login it is; one person has one')
    .addOption(new Option('--roles <roles...>').choices(roles).makeOptionMandatory())
    .option('--password-stdin', 'read the first password from standard input', false)
    .action(
      (login: string, options: { person: string; roles: (typeof roles)[number][]; passwordStdin: boolean }) =>
        run(async (command) => {
          const password = options.passwordStdin ? (await readAll(stdin)).replace(/\r?\n$/, '') : undefined;
          return command.call('staff.add', {
            login,
            person: options.person,
            roles: options.roles,
            ...(password === undefined ? {} : { password }),
          });
        }),
    );
  staff
    .command('changes')
    .description('lists who was to get a role that decides, and who else agreed')
    .action(() => run(async (command) => (await command.call('staff.changes', {})).changes));
  for (const decision of ['approve', 'deny'] as const) {
    staff
      .command(decision)
      .argument('<change>', 'number of the change', wholeNumber)
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(decision === 'approve' ? 'gives the roles; never one’s own proposal' : 'denies them')
      .action((change: number, options: PasswordInput) =>
        run(async (command) =>
          command.call('staff.decide', {
            ...{ change, decision },
            ...(await passwordFor(command, decision, options)),
          }),
        ),
      );
  }
  staff
    .command('remove <login>')
    .description('takes all rights from a login and ends its sessions')
    .action((login: string) => run((command) => command.call('staff.remove', { login })));

  const map = program
    .command('map')
    .description('the data map: drafts one, shows and checks the one in force');
  map
    .command('draft')
    .description(
      'drafts a data map from the live database, with a reason beside each proposal; installs and changes nothing',
    )
    .requiredOption('-o, --output <file>', 'YAML file to write; one that exists is only written by --merge')
    .option('--subject <table>', 'table whose rows are the people, as SCHEMA.TABLE; proposed otherwise')
    .option('--no-sample', 'go by names and types alone; otherwise values are counted, in the server')
    .option(
      '--merge <old>',
      'an earlier draft or a map: adds what is new, marks what is gone, keeps the rest',
    )
    .action((options: DraftOptions) =>
      run(
        async (command) => {
          const { text, ...told } = await command.call('map.draft', {
            profile: profileNamed(command),
            sample: options.sample,
            ...(options.subject === undefined ? {} : { subject: options.subject }),
            ...(options.merge === undefined
              ? {}
              : { merge: { file: options.merge, text: await readMapFile(options.merge) } }),
          });
          await writeMapFile(options, text);
          if (globals().json) return { file: options.output, ...told };
          return {
            file: options.output,
            subject: told.subject,
            collections: told.collections,
            columns: told.columns,
            ignored: told.ignored,
            // What may be written instead of each stands in the file.
            undecided: told.undecided.map(({ table, column, about, reason }) => ({
              what: column === undefined ? table : `${table}.${column}`,
              about: about ?? '',
              reason,
            })),
            ...listed('added', told.added),
            ...listed('gone', told.gone),
            ...listed('reported', told.reported),
          };
        },
        { signIn: false },
      ),
    );
  because(map.command('explain'))
    .description(
      'explains a data map: a picture of its tables and paths, each column with mask, action and reason; with --subject by which path a person’s rows are reached',
    )
    .option('--map <file>', 'data map to explain; the one in force otherwise')
    .addOption(new Option('--format <format>').choices(['text', 'dot', 'svg', 'json']).default('text'))
    .option('-o, --output <file>', 'new file to write, instead of printing')
    .option('--sql', 'print the functions that “db install” would make', false)
    .option('--subject <reference>', 'one person: opens an access, counts the rows by path, closes it')
    .option('--collection <name>', 'with --subject: the rows of one collection, each with its paths')
    .addOption(new Option('--limit <number>', 'with --collection: rows').argParser(wholeNumber).default(50))
    .option('--cursor <values>', 'JSON array that the page before gave as “next”')
    .action((options: ExplainOptions) => {
      if (options.subject !== undefined)
        return run((command) => explainPerson(command, options, globals().json));
      if (options.collection !== undefined || options.cursor !== undefined)
        throw new UsageError('Say whose rows: --subject REFERENCE.');
      return run(
        async (command) => {
          const explained = await explanation(command, options, profileNamed);
          if (options.output !== undefined) return written(options.output, explained.text);
          return globals().json ? explained.value : explained.text.trimEnd();
        },
        {
          signIn: options.map === undefined && !options.sql,
          as: options.output === undefined ? 'text' : 'record',
        },
      );
    });
  map
    .command('inventory')
    .description('the record of processing activities (GDPR Art. 30(1)) that a data map comes to')
    .option('--map <file>', 'data map; the one in force otherwise')
    .addOption(new Option('--format <format>').choices(inventoryFormats).makeOptionMandatory())
    .option('-o, --output <file>', 'new file to write, instead of printing')
    .action((options: { map?: string; format: InventoryFormat; output?: string }) =>
      run(
        async (command) => {
          const { format, output } = options;
          if (options.map === undefined && output !== undefined) {
            const saved = await command.call('map.saveInventory', { format, file: path.resolve(output) });
            return globals().json ? saved : { file: saved.file, ...listed('notes', saved.notes) };
          }
          const inventory = await command.call('map.inventory', {
            ...(await mapGiven(options.map)),
            format,
          });
          const { notes, text } = inventory;
          if (output !== undefined) {
            const { file } = await written(output, text ?? '');
            return globals().json ? { file, notes } : { file, ...listed('notes', notes) };
          }
          if (globals().json) return inventory;
          for (const note of notes) process.stderr.write(`${note}\n`);
          return (text ?? '').trimEnd();
        },
        { signIn: options.map === undefined, as: options.output === undefined ? 'text' : 'record' },
      ),
    );
  map
    .command('import')
    .description('reads a map from what another tool keeps')
    .command('fides')
    .argument('<files...>', 'Fides dataset files')
    .description('reads Fides datasets into a draft of a map, and says what it could not carry over')
    .option('-o, --output <file>', 'new YAML file to write, instead of printing')
    .option('--schema <name>', 'schema of tables whose dataset names none', 'public')
    .action((files: string[], options: { output?: string; schema: string }) =>
      run(
        async (command) => {
          const { text, ...told } = await command.call('map.importFides', {
            files: await Promise.all(
              files.map(async (file) => ({ file, text: await readMapFile(file, 'fides') })),
            ),
            schema: options.schema,
          });
          const saved = options.output === undefined ? null : await written(options.output, text);
          if (globals().json) return { ...(saved ?? { text }), ...told };
          for (const note of told.notes) process.stderr.write(`${note}\n`);
          for (const { table, column, about, reason } of told.undecided)
            process.stderr.write(
              `Undecided: ${[table, column, about].filter(Boolean).join(', ')}: ${reason}\n`.replaceAll(
                /[^\P{C}\n]/gu,
                ' ',
              ),
            );
          if (saved === null) return text.trimEnd();
          return {
            ...saved,
            subject: told.subject,
            collections: told.collections,
            columns: told.columns,
            ignored: told.ignored,
            undecided: told.undecided.length,
            notes: told.notes.length,
          };
        },
        { signIn: false, as: options.output === undefined ? 'text' : 'record' },
      ),
    );
  map
    .command('export')
    .description('writes a map as what another tool reads')
    .command('fides')
    .description('writes Fides datasets, and says what Fides can’t say')
    .option('--map <file>', 'data map; the one in force otherwise')
    .option('-o, --output <file>', 'new file to write, instead of printing')
    .action((options: { map?: string; output?: string }) =>
      run(
        async (command) => {
          const { text, notes } = await command.call('map.exportFides', await mapGiven(options.map));
          const saved = options.output === undefined ? null : await written(options.output, text);
          if (globals().json) return { ...(saved ?? { text }), notes };
          if (saved !== null) return { ...saved, ...listed('notes', notes) };
          for (const note of notes) process.stderr.write(`${note}\n`);
          return text.trimEnd();
        },
        {
          signIn: options.map === undefined,
          as: options.output === undefined ? 'text' : 'record',
        },
      ),
    );
  map
    .command('show')
    .description('collections, columns, masks, what erasure does')
    .action(() =>
      run(async (command) => {
        const { hash, subjects, collections } = await command.call('map.show', {});
        if (globals().json) return { hash, subjects, collections };
        return {
          hash,
          subjects: subjects.map(({ kind, title, collection, controller }) => ({
            kind,
            title,
            collection,
            controller,
          })),
          collections: collections.map((each) => ({
            name: each.name,
            table: each.table,
            kinds: each.kinds.join(', '),
            columns: each.columns.length,
            masked: each.columns.filter((column) => column.mask !== null).length,
            never: [
              ...each.never,
              ...each.columns.flatMap(({ name, paths }) =>
                paths.filter(({ never }) => never).map(({ path }) => `${name}: ${path}`),
              ),
            ].join(', '),
            erasure: each.erasure,
          })),
        };
      }),
    );
  map
    .command('check')
    .description(
      'compares the map in force, or one in a file, with the live schema; exit 1 if anything blocks',
    )
    .option('--map <file>', 'a map that isn’t installed yet')
    .option('--no-sample', 'go by names and types alone; otherwise values are counted, in the server')
    .option(
      '--against <file>',
      'instead of a live schema one in a file, as “pg_dump --schema-only” writes it; for CI. It is loaded into an empty scratch database (--profile; a checkout has one of its own) and rolled back',
    )
    .option(
      '--bucket',
      'checks the live bucket too: objects no row names, rows whose object is missing (auditor or administrator)',
      false,
    )
    .option('--keys <file>', 'with --bucket: a new file for the full keys, which can name people')
    .action((options: CheckOptions) => {
      if (options.bucket && options.map !== undefined)
        throw new UsageError('The bucket is checked against the map in force, without --map.');
      if (options.keys !== undefined && !options.bucket) throw new UsageError('--keys goes with --bucket.');
      if (options.against !== undefined && options.map === undefined)
        throw new UsageError('Say which map to hold against it: --map FILE.');
      return run(
        async (command) => {
          const { map: file, sample, against } = options;
          const { hash, findings } =
            file === undefined
              ? await command.call('map.check', { sample })
              : await command.call('map.checkFile', {
                  map: path.resolve(file),
                  sample,
                  ...(against === undefined ? {} : { against: path.resolve(against) }),
                  ...(command.profile === null ? {} : { profile: command.profile }),
                });
          const all = options.bucket ? [...findings, ...(await bucketFindings(command, options))] : findings;
          return globals().json ? { hash, findings: all } : all;
        },
        {
          signIn: options.map === undefined,
          refused: (value: CheckFinding[] | { findings: CheckFinding[] }) =>
            (Array.isArray(value) ? value : value.findings).some((each) => each.severity === 'blocks'),
        },
      );
    });
  map
    .command('diff <file>')
    .description('says what a data map would change against the one in force; changes nothing')
    .action((file: string) =>
      run(async (command) => {
        const told = await command.call('map.compare', { file, text: await readMapFile(file) });
        return globals().json ? told : { from: told.base, to: told.hash, ...inWords(told) };
      }),
    );
  map
    .command('propose <file>')
    .requiredOption('--reason <text>')
    .description('proposes a change of the data map, which another person approves; “db install” adopts it')
    .action((file: string, options: { reason: string }) =>
      run(async (command) => {
        const text = await readMapFile(file);
        const { base, ...told } = await command.call('map.compare', { file, text });
        const { change } = await command.call('map.propose', { file, text, base, ...options });
        return globals().json ? { change, ...told } : { ...changeLine(change), ...inWords(told) };
      }),
    );
  map
    .command('changes')
    .description('lists changes of the data map, newest first')
    .action(() =>
      run(async (command) => {
        const { changes } = await command.call('map.changes', {});
        return globals().json ? changes : changes.map(changeLine);
      }),
    );
  map
    .command('change')
    .argument('<change>', 'change', wholeNumber)
    .description('shows one, with what it comes to')
    .action((id: number) =>
      run(async (command) => {
        const { change, ...told } = await command.call('map.change', { change: id });
        return globals().json ? { change, ...told } : { ...changeLine(change), ...inWords(told) };
      }),
    );
  for (const decision of ['approve', 'deny'] as const) {
    map
      .command(decision)
      .argument('<change>', 'change', wholeNumber)
      .requiredOption('--sha256 <hash>', 'of the change as read')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'approve'
          ? 'approves exactly this change of the data map; never one’s own'
          : 'denies this change of the data map',
      )
      .action(
        (id: number, { sha256, reason, ...options }: { sha256: string; reason: string } & PasswordInput) =>
          run(async (command) => {
            const { change } = await command.call('map.decide', {
              ...{ change: id, decision, hash: sha256, reason },
              ...(await passwordFor(command, decision, options)),
            });
            return globals().json ? change : changeLine(change);
          }),
      );
  }

  const request = program.command('request').description('what people have asked for');
  request
    .command('list')
    .description('lists requests, the most urgent first')
    .addOption(new Option('--state <state>').choices(['open', 'closed', 'all']).default('open'))
    .action((options: { state: 'open' | 'closed' | 'all' }) =>
      run(async (command) => (await command.call('requests.list', { state: options.state })).requests),
    );
  request
    .command('show')
    .argument('<number>', 'request', wholeNumber)
    .description('shows one')
    .action((id: number) => run(async (command) => (await command.call('requests.show', { id })).request));
  request
    .command('open')
    .argument('<kind>', requestKinds.join(', '))
    .description('records one that was received')
    .option('--received <date>', 'yyyy-mm-dd; today otherwise')
    .option('--message <text>', 'what the person wrote', '')
    .option('--subject <reference>', 'the person, when known')
    .action((kind: string, options: { received?: string; message: string; subject?: string }) =>
      run(async (command) => {
        const found = requestKinds.find((each) => each === kind);
        if (found === undefined) throw new UsageError(`The kind is one of ${requestKinds.join(', ')}.`);
        return (
          await command.call('requests.open', {
            kind: found,
            receivedOn: options.received ?? today(),
            message: options.message,
            ...(options.subject === undefined ? {} : { subject: options.subject }),
          })
        ).request;
      }),
    );
  request
    .command('assign')
    .argument('<number>', 'request', wholeNumber)
    .description('takes one, or hands it to another operator')
    .option('--to <login>')
    .action((id: number, options: { to?: string }) =>
      run(
        async (command) =>
          (
            await command.call('requests.assign', {
              id,
              ...(options.to === undefined ? {} : { login: options.to }),
            })
          ).request,
      ),
    );
  request
    .command('link')
    .argument('<number>', 'request', wholeNumber)
    .argument('<subject>', 'reference of the person')
    .description('says which person one is about')
    .action((id: number, subject: string) =>
      run(async (command) => (await command.call('requests.link', { id, subject })).request),
    );
  request
    .command('close')
    .argument('<number>', 'request', wholeNumber)
    .addOption(
      new Option('--outcome <outcome>')
        .choices(['done', 'refused', 'withdrawn', 'no_such_person'])
        .makeOptionMandatory(),
    )
    .description('closes one with its outcome')
    .action((id: number, options: { outcome: 'done' | 'refused' | 'withdrawn' | 'no_such_person' }) =>
      run(
        async (command) => (await command.call('requests.close', { id, outcome: options.outcome })).request,
      ),
    );

  because(program.command('search').argument('<text>', 'e-mail, name, phone, workspace or identifier'))
    .description('searches people; what it shows is masked')
    .addOption(new Option('--limit <number>').argParser(wholeNumber).default(50))
    .action((text: string, options: { limit: number; request?: number; reason?: string }) =>
      run(async (command) => {
        const found = await command.call('search.run', {
          text,
          limit: Math.min(options.limit, 200),
          ...why(options),
        });
        if (globals().json) return found;
        return found.hits.map((hit) => ({
          subject: hit.subject,
          kind: hit.kindTitle,
          name: hit.name,
          email: hit.email,
          phone: hit.phone,
          workspaces:
            hit.tenants === null
              ? hit.workspaces.join(', ')
              : en.search.tenants(hit.tenants, hit.workspaces.join(', ')),
          controller: hit.controller,
          matched: hit.matched.map((each) => `${each.field} ${each.how}`).join(', '),
        }));
      }),
    );

  because(program.command('show').argument('<subject>', 'reference of the person'))
    .description(
      'shows what is held about a person, masked; with --collection its rows; with --reveal one cell',
    )
    .option('--collection <name>')
    .addOption(new Option('--limit <number>', 'rows').argParser(wholeNumber).default(50))
    .option('--cursor <values>', 'JSON array that the page before gave as “next”')
    .option(
      '--reveal <row> <column...>',
      'reveals one cell of the collection: its row’s key as the page shows it, e.g. \'["42"]\', and the column',
    )
    .option('--files', 'lists the person’s objects in R2', false)
    .option('--series', 'counts the collection by day', false)
    .option('--act <row> <action...>', 'does what the map allows to a row (its key as above), e.g. end')
    .action(
      (
        subject: string,
        options: {
          collection?: string;
          limit: number;
          cursor?: string;
          reveal?: string[] | string;
          act?: string[] | string;
          files: boolean;
          series: boolean;
          request?: number;
          reason?: string;
        },
      ) =>
        run(async (command) => {
          const { access } = await command.call('subjects.open', { subject, ...why(options) });
          try {
            return await show(command, access, options);
          } finally {
            await command.call('subjects.close', { accessId: access.id });
          }
        }),
    );

  withProtection(
    withScope(program.command('export').argument('<request>', 'access or export request', wholeNumber)),
  )
    .requiredOption('--to <folder>', 'where the package goes')
    .option('--folder', 'as a folder that is already unpacked instead of a zip', false)
    .addOption(
      new Option('--language <language>', 'of the page that a person opens first')
        .choices(pageLanguages)
        .default('en'),
    )
    .description('writes the package of what is held about a request’s person')
    .action((requestId: number, options: ExportOptions) =>
      run(async (command) => {
        const { jobId, passphrase } = await command.call('exports.start', {
          requestId,
          folder: path.resolve(options.to),
          form: options.folder ? 'folder' : 'zip',
          language: options.language,
          ...scopeFrom(options),
          protection: protectionOf(options),
        });
        return finishExport(command, jobId, passphrase);
      }),
    );
  reviewCommands(program, run);
  deliveryCommands(program, run);
  const exportList = program
    .command('exports')
    .addOption(new Option('--request <number>', 'only of this request').argParser(wholeNumber))
    .description('lists exports: who, when, hash, rows, files')
    .action((options: { request?: number }) =>
      run(async (command) =>
        (
          await command.call(
            'exports.list',
            options.request === undefined ? {} : { requestId: options.request },
          )
        ).exports.map(({ kept, ...row }) => ({
          ...row,
          kept: kept === null ? null : en.exportPage.kept(kept.finished, kept.of),
        })),
      ),
    );
  withProtection(
    exportList
      .command('resume')
      .argument('<export>', 'number of an interrupted export of yours', wholeNumber),
  )
    .option('--to <folder>', 'where the package goes; where it was to go before, when it isn’t said')
    .description('goes on with what lies on this computer, without reading it again')
    .action((exportId: number, options: ProtectionOptions & { to?: string }) =>
      run(async (command) => {
        const { jobId, passphrase } = await command.call('exports.resume', {
          exportId,
          ...(options.to === undefined ? {} : { folder: path.resolve(options.to) }),
          protection: protectionOf(options),
        });
        return finishExport(command, jobId, passphrase);
      }),
    );
  exportList
    .command('abandon')
    .argument('<export>', 'number of the export', wholeNumber)
    .description('closes an export that was interrupted, and its access to the person')
    .action((exportId: number) => run((command) => command.call('exports.abandon', { exportId })));
  const releases = program
    .command('release')
    .description('an export in spite of what the data map doesn’t cover: by two people, never a deletion');
  releases
    .command('list')
    .addOption(new Option('--request <number>', 'only of this request').argParser(wholeNumber))
    .description('lists the gaps there are, and the releases asked for')
    .action((options: { request?: number }) =>
      run(async (command) => ({
        ...(await command.call('map.gaps', {})),
        ...(await command.call(
          'exports.releases',
          options.request === undefined ? {} : { requestId: options.request },
        )),
      })),
    );
  releases
    .command('ask')
    .argument('<request>', 'access or export request', wholeNumber)
    .requiredOption('--gap <gap...>', 'each gap there is, as “release list” names it')
    .requiredOption('--reason <text>', 'why the export can’t wait for the map')
    .description('asks another person to release the export of a request')
    .action((requestId: number, options: { gap: string[]; reason: string }) =>
      run((command) =>
        command.call('exports.askRelease', { requestId, gaps: options.gap, reason: options.reason }),
      ),
    );
  for (const decision of ['approve', 'deny'] as const) {
    releases
      .command(decision)
      .argument('<release>', 'number of the release', wholeNumber)
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(decision === 'approve' ? 'releases it; never one’s own' : 'denies it')
      .action((releaseId: number, { reason, ...options }: { reason: string } & PasswordInput) =>
        run(async (command) =>
          command.call('exports.decideRelease', {
            ...{ releaseId, decision, reason },
            ...(await passwordFor(command, decision, options)),
          }),
        ),
      );
  }
  program
    .command('about')
    .description('versions of the program')
    .action(() => run((command) => command.call('about.show', {}), { signIn: false }));
  packageCommands(program, run, () => globals().json);

  const erase = program
    .command('erase')
    .description('deletion: plan, approval by another person, run, certificate');
  erase
    .command('plan')
    .argument('<request>', 'deletion request', wholeNumber)
    .option(
      '--decide <key=value...>',
      'decisions the plan asks for: hand_over, anonymise or close, e.g. workspaces-1=close',
    )
    .description('works out what deletion would do')
    .action((requestId: number, options: { decide?: string[] }) =>
      run(async (command) =>
        planLines(await command.call('erasure.plan', { requestId, decisions: decisionsOf(options.decide) })),
      ),
    );
  erase
    .command('list')
    .option('--awaiting', 'only those waiting for approval', false)
    .description('lists plans')
    .action((options: { awaiting: boolean }) =>
      run(async (command) => {
        const { plans } = await command.call('erasure.list', { awaiting: options.awaiting });
        if (globals().json) return plans;
        return plans.map((plan) => ({
          plan: plan.id,
          kind: plan.kind,
          request: plan.requestId,
          subject: plan.subject,
          state: plan.state,
          planned: plan.plannedBy,
          sha256: plan.sha256,
        }));
      }),
    );
  erase
    .command('show')
    .argument('<plan>', 'plan', wholeNumber)
    .description('shows one')
    .action((planId: number) =>
      run(async (command) => planLines(await command.call('erasure.show', { planId }))),
    );
  for (const decision of ['approve', 'deny'] as const) {
    erase
      .command(decision)
      .argument('<plan>', 'plan', wholeNumber)
      .requiredOption('--sha256 <hash>', 'of the plan as read')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'approve' ? 'approves exactly this plan; never one’s own' : 'denies this plan',
      )
      .action(
        (
          planId: number,
          { sha256, reason, ...options }: { sha256: string; reason: string } & PasswordInput,
        ) =>
          run(async (command) => {
            const { plan } = await command.call('erasure.decide', {
              ...{ planId, decision, sha256, reason },
              ...(await passwordFor(command, decision, options)),
            });
            return plan;
          }),
      );
  }
  erase
    .command('run')
    .argument('<plan>', 'plan', wholeNumber)
    .addOption(
      new Option(
        '--pace <pace>',
        'large batches, or small ones with pauses as is usual in production',
      ).choices(['fast', 'gentle']),
    )
    .description('runs or resumes an approved plan')
    .action((planId: number, options: { pace?: 'fast' | 'gentle' }) =>
      run(
        async (command) => {
          const { jobId } = await command.call('erasure.run', { planId, ...options });
          return (await command.finish(jobId)).result;
        },
        {
          refused: (value: { complete: boolean; waiting?: boolean }) =>
            !value.complete && value.waiting !== true,
        },
      ),
    );
  erase
    .command('held')
    .description('says whether deletions pause, and why')
    .action(() => run((command) => command.call('erasure.held', {})));
  erase
    .command('due')
    .description('goes on with every deletion whose wait is over; for a timer of the operating system')
    .action(() =>
      run(
        async (command) => {
          const { plans } = await command.call('erasure.list', {});
          const due = plans.filter(
            ({ run: begun, tasks }) =>
              begun?.state === 'waiting' &&
              begun.isDue &&
              tasks.every((task) => task.when === 'after' || task.doneAt !== null),
          );
          const ended = [];
          for (const { id } of due) {
            const { jobId } = await command.call('erasure.run', { planId: id });
            ended.push({ plan: id, ...(await command.finish(jobId)).result });
          }
          return [...ended, ...(await runDueBatches(command))];
        },
        { as: 'list', refused: (value: { complete: boolean }[]) => value.some((each) => !each.complete) },
      ),
    );
  erase
    .command('cancel')
    .argument('<plan>', 'plan', wholeNumber)
    .requiredOption('--reason <text>')
    .description('calls a deletion off as long as nothing has gone')
    .action((planId: number, { reason }: { reason: string }) =>
      run(async (command) => (await command.call('erasure.cancel', { planId, reason })).plan),
    );
  erase
    .command('task')
    .argument('<plan>', 'plan', wholeNumber)
    .argument('<task>', 'name of the task, as “erase show” tells it')
    .requiredOption('--evidence <text>', 'what shows that it was done; nothing about the person')
    .description('records that what a deletion asks of people was done')
    .action((planId: number, task: string, { evidence }: { evidence: string }) =>
      run(async (command) => (await command.call('erasure.doTask', { planId, task, evidence })).plan),
    );
  erase
    .command('finds')
    .argument('<plan>', 'plan', wholeNumber)
    .description('where a run found its person again; fails while nobody has said why something stays')
    .action((planId: number) =>
      run(
        async (command) => {
          const finds = (await command.call('erasure.show', { planId })).plan.run?.finds ?? [];
          return globals().json ? finds : findLines(finds);
        },
        {
          as: 'list',
          refused: (value: readonly { rows: number; because: string | null }[]) =>
            value.some((each) => each.rows > 0 && each.because === null),
        },
      ),
    );
  erase
    .command('judge')
    .argument('<plan>', 'plan', wholeNumber)
    .argument('<find>', 'as “erase finds” names it, e.g. support_messages.body')
    .requiredOption('--reason <text>', 'why it stays; stands on the certificate, so nothing about the person')
    .description('says why rows stay in which the person was found again; never of one’s own deletion')
    .action((planId: number, find: string, { reason }: { reason: string }) =>
      run(async (command) => {
        const { plan } = await command.call('erasure.judge', { planId, find, because: reason });
        return globals().json ? plan : findLines(plan.run?.finds ?? []);
      }),
    );
  erase
    .command('certificate')
    .argument('<plan>', 'plan', wholeNumber)
    .option(
      '--save <file>',
      'write it with its signatures to a new file: a page to print when it ends in .html, else JSON',
    )
    .option('--sign', 'sign it with your own key first', false)
    .description('prints the certificate of a finished deletion; with --json its exact text as well')
    .action((planId: number, options: { save?: string; sign: boolean }) =>
      run(async (command) => {
        if (options.sign) await command.call('erasure.signCertificate', { planId });
        if (options.save !== undefined) {
          return command.call('erasure.saveCertificate', { planId, file: path.resolve(options.save) });
        }
        const certificate = await command.call('erasure.certificate', { planId });
        return globals().json ? certificate : certificateLines(certificate);
      }),
    );

  holdCommands(program, run, passwordFor);
  correctionCommands(program, run, passwordFor);
  batchCommands(program, run, passwordFor, () => globals().json);
  ledgerCommands(erase, run, () => globals().json);
  restrictionCommands(program, run, passwordFor);
  retentionCommands(program, run, passwordFor, () => globals().json);

  erase
    .command('seek')
    .argument('<text>', 'whole e-mail address or phone number the person had')
    .description('finds the deletion of somebody who asks about it later; what is typed is kept nowhere')
    .action((text: string) =>
      run(async (command) => {
        const found = await command.call('erasure.seekErased', { text });
        return globals().json ? found : found.found;
      }),
    );

  program
    .command('certificate')
    .description('certificates of deletion, offline')
    .command('verify <file>')
    .option('--signer <key>', 'refuses any other signer than this: SHA256:…, or a file with the public key')
    .description('checks the text and the signatures of one, a page or JSON, and names every fault')
    .action((file: string, { signer }: { readonly signer?: string }) =>
      run(
        (command) =>
          command.call('certificates.verify', {
            file: path.resolve(file),
            ...(signer === undefined ? {} : { signer }),
          }),
        { signIn: false, refused: (value: { intact: boolean }) => !value.intact },
      ),
    );
  program
    .command('pause')
    .requiredOption('--reason <text>', 'shown to who runs deletions')
    .description('pauses all deletions, whoever runs them')
    .action(({ reason }: { reason: string }) => run((command) => command.call('erasure.pause', { reason })));
  program
    .command('continue')
    .description('lets paused deletions go on')
    .action(() => run((command) => command.call('erasure.continue', {})));

  const audit = program.command('audit').description('the audit trail');
  audit
    .command('list')
    .option('--actor <login>')
    .option('--subject <reference>')
    .option('--action <action>')
    .addOption(new Option('--request <number>').argParser(wholeNumber))
    .addOption(new Option('--outcome <outcome>').choices(['intent', 'done', 'refused', 'failed']))
    .option('--since <time>', 'ISO 8601')
    .option('--until <time>', 'ISO 8601')
    .addOption(new Option('--before <number>', 'entries below this one').argParser(wholeNumber))
    .addOption(new Option('--limit <number>').argParser(wholeNumber).default(100))
    .description('lists entries, newest first')
    .action(
      (options: {
        actor?: string;
        subject?: string;
        action?: string;
        request?: number;
        outcome?: 'intent' | 'done' | 'refused' | 'failed';
        since?: string;
        until?: string;
        before?: number;
        limit: number;
      }) =>
        run(async (command) => {
          const { request: requestId, ...filter } = options;
          const { entries } = await command.call('audit.list', {
            ...filter,
            limit: Math.min(filter.limit, 500),
            ...(requestId === undefined ? {} : { requestId }),
          });
          if (globals().json) return entries;
          return entries.map((entry) => ({
            number: entry.number,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            outcome: entry.outcome === 'intent' && !entry.ended ? 'intent, not ended' : entry.outcome,
            subject: entry.subject,
            request: entry.requestId,
            says: describeEntry(entry),
          }));
        }),
    );
  audit
    .command('verify')
    .description('recomputes the chain; exit 1 and the first bad number when it is broken')
    .action(() =>
      run(
        async (command) => {
          const { jobId } = await command.call('audit.verify', {});
          return (await command.finish(jobId)).result;
        },
        { refused: (value: { intact: boolean }) => !value.intact },
      ),
    );
  audit
    .command('export <file>')
    .description('writes the whole trail to JSON Lines')
    .action((file: string) =>
      run(async (command) => {
        const { jobId } = await command.call('audit.export', { file: path.resolve(file) });
        return (await command.finish(jobId)).result;
      }),
    );
  audit
    .command('detail')
    .argument('<number>', 'entry', wholeNumber)
    .description('reads the detail kept beside an entry; itself recorded')
    .action((number: number) => run((command) => command.call('audit.detail', { number })));
  const restores = audit
    .command('restores')
    .description('when the database was restored from a backup, as two people have said it')
    .action(() => run(async (command) => (await command.call('audit.restores', {})).restores));
  restores
    .command('declare')
    .requiredOption('--as-of <time>', 'time of the backup, or that was recovered to; ISO 8601')
    .requiredOption('--reason <text>', 'which backup was restored, and why')
    .description('says that it was, at a console that says the trail contradicts what it saw')
    .action((options: { asOf: string; reason: string }) =>
      run((command) => command.call('audit.declareRestore', options)),
    );
  for (const decision of ['approve', 'deny'] as const) {
    restores
      .command(decision === 'approve' ? 'confirm' : 'deny')
      .argument('<restore>', 'its number', wholeNumber)
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'approve'
          ? 'confirms it: each console then goes on with the shorter trail, once; never one’s own'
          : 'denies it: consoles go on refusing to work',
      )
      .action((restore: number, options: PasswordInput) =>
        run(async (command) =>
          command.call('audit.decideRestore', {
            ...{ restore, decision },
            ...(await passwordFor(command, decision, options)),
          }),
        ),
      );
  }

  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 'shown';
    throw new UsageError('');
  }
  return ran;
}

function why(options: { readonly request?: number; readonly reason?: string }): {
  requestId?: number;
  reason?: string;
} {
  if (options.request === undefined && options.reason === undefined) {
    throw new UsageError('Say under which request (--request N), or why without one (--reason TEXT).');
  }
  return {
    ...(options.request === undefined ? {} : { requestId: options.request }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  };
}

/** What an approval needs besides; a denial needs nothing. */
async function passwordFor(
  command: Command,
  decision: 'approve' | 'deny',
  options: PasswordInput,
): Promise<{ readonly password?: string }> {
  return decision === 'deny' ? {} : typedPassword(command.profile, options, stdin);
}

/** A plan, with what differs from the one before. */
function planLines({ plan, since }: OutputOf<'erasure.show'>): object {
  return { ...plan, since };
}

function outcomeLines(outcomes: readonly ErasureOutcome[]): readonly object[] {
  const { outcomeColumns: columns, outcome } = en.deletion.again;
  return outcomes.map((each) => ({
    [columns.what]: each.title,
    [columns.outcome]: outcome[each.outcome],
    [columns.rows]: each.rows,
    [columns.until]: each.until,
    [columns.because]: each.because,
  }));
}

function findLines(finds: readonly ErasureFind[]): readonly object[] {
  return finds.map((each) => ({
    find: each.name,
    rows: each.rows,
    kept: each.kept,
    because: each.because ?? each.ground,
    by: each.by,
  }));
}

/** A certificate as a person reads it. */
function certificateLines({ sha256, entry, says, signatures }: OutputOf<'erasure.certificate'>): object {
  const words = en.deletion.certificate;
  const listed = says.steps.filter((step) => step.planned > 0 || step.done > 0 || step.left > 0);
  const untouched = says.steps.filter((step) => !listed.includes(step));
  return {
    [words.title]: says.subject,
    [words.kind]: says.kind,
    [words.controller]: says.controller,
    [words.what]: words.ground(says.requestId),
    [words.started]: says.started,
    [words.finished]: says.finished,
    [words.planned]: says.planned,
    [words.approved]: says.approved.join(', '),
    [words.ran]: says.ran,
    [words.plan]: says.plan,
    [words.map]: says.map,
    [words.sha256]: sha256,
    [words.committed]: en.common.entry(entry),
    [words.signatures]:
      signatures.length === 0
        ? words.unsigned
        : signatures.map((each) => ({
            [words.signatures]: words.signedBy(each.person, each.login),
            [en.settings.keys.fingerprint]: each.fingerprint,
            [words.toCheck]: each.right ? words.signaturesHint : words.wrong,
          })),
    [en.deletion.again.outcomes]: outcomeLines(says.outcomes),
    [words.went]: listed.map((step) => ({
      [words.wentColumns.what]: step.title,
      [words.wentColumns.where]: step.where,
      [words.wentColumns.how]: en.deletion.action[step.action],
      [words.wentColumns.planned]: step.planned,
      [words.wentColumns.done]: step.done,
      [words.wentColumns.left]: step.left,
    })),
    [words.untouched]: [...new Set(untouched.map((step) => step.where))].join(', '),
    ...(says.tasks.length === 0
      ? {}
      : {
          [words.tasks]: says.tasks.map((task) => ({
            [words.tasksColumns.what]: task.title,
            [words.tasksColumns.owner]: `${task.owner} (${task.by})`,
            [words.tasksColumns.done]: task.done,
            [words.tasksColumns.entry]: task.entry,
          })),
        }),
    [words.kept]: says.kept.map((line) => ({
      [words.wentColumns.what]: line.title,
      [words.wentColumns.where]: line.where,
      [words.keptColumns.rows]: line.rows,
      [words.keptColumns.until]: line.until,
      [words.keptColumns.because]: line.because,
    })),
    [words.entries]: says.entries.join(', '),
    ...(says.finds.length === 0 ? {} : { [en.deletion.again.title]: findLines(says.finds) }),
    [words.remains]: [...words.remainingFacts(says.remains, (date) => date), ...words.remaining].map(
      (sentence) => ({ '': sentence }),
    ),
  };
}

async function show(
  command: Command,
  access: Access,
  options: {
    readonly collection?: string;
    readonly limit: number;
    readonly cursor?: string;
    readonly reveal?: string[] | string;
    readonly act?: string[] | string;
    readonly files: boolean;
    readonly series: boolean;
  },
): Promise<unknown> {
  const { collection } = options;
  const { id: accessId, kind, controller } = access;
  if (options.files) return (await command.call('subjects.objects', { accessId })).objects;
  if (collection === undefined) {
    if (options.reveal !== undefined || options.act !== undefined || options.series) {
      throw new UsageError('Say which collection: --collection NAME.');
    }
    return command.call('subjects.show', { accessId });
  }
  if (options.reveal !== undefined) {
    const [row, column] = rowAnd(options.reveal, '--reveal ROW COLUMN');
    return command.call('subjects.reveal', { accessId, collection, row, column });
  }
  if (options.act !== undefined) {
    const [row, action] = rowAnd(options.act, '--act ROW ACTION');
    return command.call('subjects.act', { accessId, collection, row, action });
  }
  if (options.series) return (await command.call('subjects.series', { accessId, collection })).points;
  const cursor = cursorOf(options.cursor);
  const page = await command.call('subjects.page', {
    accessId,
    collection,
    limit: Math.min(options.limit, 500),
    ...(cursor === undefined ? {} : { cursor }),
  });
  return { kind, controller, ...page };
}

/** A list of texts as rows; nothing at all when it is empty. */
function listed(name: string, texts: readonly string[]): Record<string, readonly { what: string }[]> {
  return texts.length === 0 ? {} : { [name]: texts.map((what) => ({ what })) };
}

/** What `map explain` says of a map: as a text, and as a value for `--json`. */
async function explanation(
  command: Command,
  options: ExplainOptions,
  profileNamed: (command: Command) => string,
): Promise<{ readonly text: string; readonly value: unknown }> {
  if (options.sql) {
    const named = options.map === undefined ? {} : { map: options.map };
    const { functions } = await command.call('database.script', { profile: profileNamed(command), ...named });
    return { text: functions, value: { functions } };
  }
  const given = await mapGiven(options.map);
  if (options.format === 'json') {
    const value = await command.call('map.explain', given);
    return { text: JSON.stringify(value, null, 2), value };
  }
  const value = await command.call('map.explain', { ...given, drawn: options.format });
  return { text: value.drawn ?? '', value };
}

/** By which paths one person's rows were reached; the access is on the record like any other. */
async function explainPerson(command: Command, options: ExplainOptions, asJson: boolean): Promise<unknown> {
  const { access } = await command.call('subjects.open', { subject: options.subject ?? '', ...why(options) });
  const accessId = access.id;
  try {
    const { collections: explained } = await command.call('map.explain', {});
    const says = new Map(
      explained.map(({ name, paths }) => [name, new Map(paths.map((path) => [path.number, path.says]))]),
    );
    if (options.collection !== undefined) {
      const { collection } = options;
      const cursor = cursorOf(options.cursor);
      const page = await command.call('subjects.reachedRows', {
        accessId,
        collection,
        limit: Math.min(options.limit, 500),
        ...(cursor === undefined ? {} : { cursor }),
      });
      if (asJson) return page;
      return {
        rows: page.rows.map(({ key, paths }) => ({
          row: key,
          paths: paths.map((path) => `${path}: ${says.get(collection)?.get(path) ?? ''}`).join('; '),
        })),
        next: page.next,
      };
    }
    const { collections } = await command.call('subjects.reached', { accessId });
    if (asJson) return { collections };
    return collections.flatMap((each) =>
      each.paths.map(({ path, rows, capped }) => ({
        collection: each.collection,
        path,
        says: says.get(each.collection)?.get(path) ?? '',
        rows: capped ? `more than ${rows}` : rows,
      })),
    );
  } finally {
    await command.call('subjects.close', { accessId });
  }
}

function cursorOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as string[];
  } catch {
    throw new UsageError('--cursor is the JSON array that the page before gave as “next”.');
  }
}

/** A map's file as operations take it; nothing for the map in force. */
async function mapGiven(
  file: string | undefined,
): Promise<{ readonly map?: { readonly file: string; readonly text: string } }> {
  return file === undefined ? {} : { map: { file, text: await readMapFile(file, '--map') } };
}

/** Writes what a command came to into a new file. */
async function written(file: string, text: string): Promise<{ readonly file: string }> {
  try {
    await writeFile(file, text.endsWith('\n') ? text : `${text}\n`, { flag: 'wx' });
    return { file };
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new Refused({
      code: exists ? 'conflict' : 'disk',
      message: exists
        ? `${file} exists already; name another file.`
        : `${file} can’t be written; check the folder and its rights.`,
    });
  }
}

async function readMapFile(file: string, option = '--merge'): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw new Refused({
      code: 'invalid_input',
      message: `${file} can’t be read; check the path after ${option}.`,
    });
  }
}

/** Writes a drafted map. Answers somebody wrote into a file are only written over by a merge of that file. */
async function writeMapFile(options: DraftOptions, text: string): Promise<void> {
  const again = options.merge !== undefined && path.resolve(options.merge) === path.resolve(options.output);
  try {
    await writeFile(options.output, text, { flag: again ? 'w' : 'wx' });
  } catch (error) {
    const exists = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new Refused({
      code: exists ? 'conflict' : 'disk',
      message: exists
        ? `${options.output} exists already; name another file, or keep what is in it with --merge ${options.output}.`
        : `${options.output} can’t be written; check the folder and its rights.`,
    });
  }
}

function pair(given: string[] | string, usage: string): [string, string] {
  const [first, second, ...rest] = Array.isArray(given) ? given : [given];
  if (first === undefined || second === undefined || rest.length > 0)
    throw new UsageError(`It is written ${usage}.`);
  return [first, second];
}

/** A row's key, as the page prints it, and what is meant of the row. */
function rowAnd(given: string[] | string, usage: string): [string, string] {
  const [row, what] = pair(given, usage);
  let key: unknown = null;
  try {
    key = JSON.parse(row);
  } catch {
    // Said below.
  }
  if (!Array.isArray(key))
    throw new UsageError(`ROW is the row’s key as the page shows it under “key”, in quotes: '["42"]'.`);
  return [row, what];
}

function decisionsOf(given: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((each) => {
      const [key, value] = each.split('=');
      if (key === undefined || value === undefined)
        throw new UsageError('A decision is written KEY=VALUE, e.g. workspaces-1=close.');
      return [key, value];
    }),
  );
}

function today(): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Kolkata' }).format(new Date());
}

function inWords({ differences, tables }: MapComparison): Record<string, unknown> {
  return {
    differences: differences.map((each) => ({
      what: en.mapChange.describe(each),
      exposure: en.mapChange.exposure[each.exposure],
    })),
    tables: tables.map((each) => ({ table: each.table, rows: Math.round(each.rows) })),
  };
}

function changeLine(change: MapChange): Record<string, unknown> {
  return {
    change: change.id,
    state: change.state,
    proposed: change.proposedBy,
    reason: change.reason,
    decided: change.decision?.by ?? '',
    hash: change.hash,
  };
}
