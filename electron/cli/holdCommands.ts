import type { Command as Commander } from 'commander';
import type { InputOf } from '#shared/contract/index.ts';
import { UsageError, type Command } from './command.ts';
import { wholeNumber } from './numbers.ts';
import type { PasswordInput } from './profileInput.ts';

interface PlaceOptions {
  readonly person?: string;
  readonly table?: string;
  readonly record?: string;
  readonly ground: string;
  readonly authority: string;
  readonly owner: string;
  readonly review: string;
}

/** Legal holds: placed at once by one person, lifted by two. */
export function holdCommands(
  program: Commander,
  run: (work: (command: Command) => Promise<unknown>) => Promise<void>,
  password: (
    command: Command,
    decision: 'approve' | 'deny',
    options: PasswordInput,
  ) => Promise<{ password?: string }>,
): void {
  const holds = program
    .command('holds')
    .description('legal holds: lists them, with what is due for review')
    .action(() =>
      run(async (command) => {
        const found = (await command.call('holds.list', {})).holds;
        return found.map(({ due, liftedAt, ...hold }) => ({
          hold: hold.id,
          on:
            hold.subject ??
            (hold.record ? `${hold.collection ?? ''}:${hold.rowKey ?? 'one record'}` : hold.collection),
          state:
            liftedAt !== null
              ? 'lifted'
              : hold.lift?.state === 'asked'
                ? `lift ${hold.lift.id} waits for a second person`
                : due
                  ? 'review is due'
                  : 'in force',
          review: hold.reviewOn,
          ground: hold.ground,
          authority: hold.authority,
          owner: hold.owner,
          stops: hold.stopped.map(({ request }) => request).join(' '),
        }));
      }),
    );
  holds
    .command('place')
    .option('--person <reference>', 'everything of one person')
    .option('--table <collection>', 'a table, for everybody')
    .option('--record <collection:key>', 'one record with what hangs on it, e.g. workspaces:["17"]')
    .requiredOption('--ground <text>', 'why it must not be deleted; nothing about the person')
    .requiredOption('--authority <text>', 'who asks for it')
    .requiredOption('--owner <login>', 'who looks after it')
    .requiredOption('--review <date>', 'when it is looked at again, e.g. 2027-01-31')
    .description('places a hold; it is in force when this returns')
    .action((options: PlaceOptions) =>
      run((command) =>
        command.call('holds.place', {
          on: placeOf(options),
          ground: options.ground,
          authority: options.authority,
          owner: options.owner,
          reviewOn: options.review,
        }),
      ),
    );
  holds
    .command('review')
    .argument('<hold>', 'its number', wholeNumber)
    .requiredOption('--until <date>', 'its next review')
    .requiredOption('--reason <text>', 'why it goes on')
    .description('sets the next review of a hold that goes on')
    .action((hold: number, { until, reason }: { until: string; reason: string }) =>
      run((command) => command.call('holds.review', { hold, until, reason })),
    );
  const lift = holds.command('lift').description('lifts a hold: one person proposes, another one decides');
  lift
    .command('propose')
    .argument('<hold>', 'its number', wholeNumber)
    .requiredOption('--reason <text>')
    .description('proposes to lift a hold')
    .action((hold: number, { reason }: { reason: string }) =>
      run((command) => command.call('holds.proposeLift', { hold, reason })),
    );
  for (const decision of ['approve', 'deny'] as const) {
    lift
      .command(decision)
      .argument('<lift>', 'number of the proposal', wholeNumber)
      .requiredOption('--reason <text>')
      .option('--password-stdin', 'reads the password of your login from standard input')
      .description(
        decision === 'approve' ? 'lifts the hold; never one’s own proposal' : 'leaves the hold in force',
      )
      .action((number: number, { reason, ...options }: { reason: string } & PasswordInput) =>
        run(async (command) =>
          command.call('holds.decideLift', {
            ...{ lift: number, decision, reason },
            ...(await password(command, decision, options)),
          }),
        ),
      );
  }
}

function placeOf({ person, table, record }: PlaceOptions): InputOf<'holds.place'>['on'] {
  const named = [person, table, record].filter((each) => each !== undefined);
  if (named.length !== 1) throw new UsageError('Name one of --person, --table and --record.');
  if (person !== undefined) return { subject: person };
  if (table !== undefined) return { collection: table };
  const [, collection, rowKey] = /^([^:]+):(.+)$/s.exec(record ?? '') ?? [];
  if (collection === undefined || rowKey === undefined)
    throw new UsageError('Write the record as collection and key, e.g. workspaces:["17"].');
  return { collection, rowKey };
}
