import type { Command as Commander } from 'commander';
import type { OutputOf } from '#shared/contract/index.ts';
import { en } from '#shared/strings/en.ts';
import { UsageError, type Command } from './command.ts';
import { wholeNumber } from './numbers.ts';
import type { PasswordInput } from './profileInput.ts';

interface ProposeOptions {
  readonly collection: string;
  readonly record: string;
  readonly set: string[];
  readonly empty: string[];
  readonly reason: string;
}

const gathered = (value: string, before: string[]): string[] => [...before, value];

/** Corrections: proposed and shown, approved where they tell who somebody is, carried out, taken back. */
export function correctionCommands(
  program: Commander,
  run: (work: (command: Command) => Promise<unknown>) => Promise<void>,
  password: (
    command: Command,
    decision: 'approve' | 'deny',
    options: PasswordInput,
  ) => Promise<{ password?: string }>,
): void {
  const correct = program
    .command('correct')
    .description('corrects what is held about a person, on the record');
  correct
    .command('propose')
    .argument('<request>', 'an open correction request that names the person', wholeNumber)
    .requiredOption('--collection <name>', 'where the record is, e.g. users')
    .requiredOption('--record <key>', 'its key as “person” shows it, e.g. ["17"]')
    .option('--set <column=value>', 'a new value; may be given several times', gathered, [])
    .option('--empty <column>', 'leaves the column empty; may be given several times', gathered, [])
    .requiredOption('--reason <text>', 'for the trail, in your words')
    .description('shows what is held beside the new values, and what follows; changes nothing yet')
    .action((requestId: number, options: ProposeOptions) =>
      run(async (command) => {
        const values = valuesOf(options);
        const { request } = await command.call('requests.show', { id: requestId });
        if (request.subject === null)
          throw new UsageError('This request names nobody yet; link the person to it first.');
        const { access } = await command.call('subjects.open', { subject: request.subject, requestId });
        try {
          return shown(
            await command.call('corrections.propose', {
              accessId: access.id,
              requestId,
              collection: options.collection,
              row: options.record,
              values,
              reason: options.reason,
            }),
          );
        } finally {
          await command.call('subjects.close', { accessId: access.id });
        }
      }),
    );
  correct
    .command('look')
    .argument('<correction>', 'its number', wholeNumber)
    .description('shows the values of a correction again, before and after')
    .action((id: number) => run(async (command) => shown(await command.call('corrections.look', { id }))));
  correct
    .command('run')
    .argument('<correction>', 'its number', wholeNumber)
    .description('writes it into its record and every copy the data map names')
    .action((id: number) => run((command) => command.call('corrections.run', { id })));
  correct
    .command('undo')
    .argument('<correction>', 'its number', wholeNumber)
    .requiredOption('--reason <text>')
    .description('takes it back, as long as nobody has changed the value since')
    .action((id: number, { reason }: { reason: string }) =>
      run((command) => command.call('corrections.undo', { id, reason })),
    );
  for (const decision of ['approve', 'deny'] as const) {
    correct
      .command(decision)
      .argument('<correction>', 'its number', wholeNumber)
      .requiredOption('--sha256 <hash>', 'of the correction you have looked at')
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'approve'
          ? 'approves exactly what you have looked at; never one’s own'
          : 'leaves the record as it is',
      )
      .action(
        (id: number, { sha256, reason, ...options }: { sha256: string; reason: string } & PasswordInput) =>
          run(async (command) =>
            command.call('corrections.decide', {
              ...{ id, sha256, decision, reason },
              ...(await password(command, decision, options)),
            }),
          ),
      );
  }
  correct
    .command('list')
    .argument('[request]', 'only those of this request', wholeNumber)
    .description('lists corrections, without their values')
    .action((requestId: number | undefined) =>
      run(async (command) => {
        const { corrections } = await command.call(
          'corrections.list',
          requestId === undefined ? {} : { requestId },
        );
        return corrections.map((each) => ({
          correction: each.id,
          request: each.requestId,
          state: each.state,
          what: `${each.collection}: ${each.columns.join(' ')}`,
          takesBack: each.undoes,
          by: each.proposedBy,
          at: each.proposedAt,
          undoDays: each.undoDays,
        }));
      }),
    );
}

function valuesOf({ set, empty }: ProposeOptions): Record<string, string | null> {
  const written = set.map((each) => {
    const place = each.indexOf('=');
    if (place < 1) throw new UsageError('Write --set COLUMN=VALUE.');
    return [each.slice(0, place), each.slice(place + 1)] as const;
  });
  const values = [...written, ...empty.map((column) => [column, null] as const)];
  if (values.length === 0) throw new UsageError('Say what changes: --set COLUMN=VALUE, or --empty COLUMN.');
  if (new Set(values.map(([column]) => column)).size < values.length)
    throw new UsageError('Name each column once.');
  return Object.fromEntries(values);
}

function shown({ correction, content, entry }: OutputOf<'corrections.look'>): unknown {
  const words = en.correction;
  return {
    correction: correction.id,
    request: correction.requestId,
    state: correction.state,
    record: `${correction.collection}:${content.row}`,
    sha256: content.sha256,
    values: content.values.map(({ column, before, after, verdict }) => ({
      column,
      before,
      after,
      comesTo: words.verdict[verdict],
    })),
    follows: content.places.map(({ column, role, collection, inColumn, rows }) => ({
      of: column,
      where: `${collection}.${inColumn}`,
      rows,
      what: words.role[role],
    })),
    entry,
  };
}
