import { Option, type Command as Commander } from 'commander';
import {
  restrictionExceptions,
  restrictionGrounds,
  type RestrictionException,
  type RestrictionGround,
} from '#shared/domain/restriction.ts';
import type { Command } from './command.ts';
import { wholeNumber } from './numbers.ts';
import type { PasswordInput } from './profileInput.ts';

/** Restrictions of processing (GDPR Art. 18): placed at once, lifted by an approver once the person was told. */
export function restrictionCommands(
  program: Commander,
  run: (work: (command: Command) => Promise<unknown>) => Promise<void>,
  password: (
    command: Command,
    decision: 'approve' | 'deny',
    options: PasswordInput,
  ) => Promise<{ password?: string }>,
): void {
  const restrictions = program
    .command('restrictions')
    .description('restrictions of processing: whose data is stored and nothing else')
    .action(() =>
      run(async (command) => {
        const found = (await command.call('restrictions.list', {})).restrictions;
        return found.map((each) => ({
          restriction: each.id,
          person: each.subject,
          ground: each.ground,
          state:
            each.liftedAt !== null
              ? 'lifted'
              : each.toldAt !== null
                ? 'in force, the person was told'
                : 'in force',
          since: each.placedAt,
          by: each.placedBy,
          exceptions: each.exceptions.map(({ request, exception }) => `${request}: ${exception}`).join(', '),
          reason: each.reason,
        }));
      }),
    );
  restrictions
    .command('place')
    .argument('<person>', 'opaque reference, S-…')
    .addOption(
      new Option('--ground <ground>', 'of GDPR Art. 18(1)').choices(restrictionGrounds).makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'why it applies; nothing about the person, all staff can read it')
    .addOption(new Option('--request <number>', 'the request it is placed under').argParser(wholeNumber))
    .description('restricts the processing of a person’s data; it is in force when this returns')
    .action((subject: string, options: { ground: RestrictionGround; reason: string; request?: number }) =>
      run((command) =>
        command.call('restrictions.place', {
          ...{ subject, ground: options.ground, reason: options.reason },
          ...(options.request === undefined ? {} : { requestId: options.request }),
        }),
      ),
    );
  restrictions
    .command('except')
    .argument('<restriction>', 'its number', wholeNumber)
    .addOption(
      new Option('--request <number>', 'an open request of this person')
        .argParser(wholeNumber)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--exception <exception>', 'of GDPR Art. 18(2)')
        .choices(restrictionExceptions)
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'why it applies')
    .description('states which exception of the law lets a request be worked on all the same')
    .action(
      (restriction: number, options: { request: number; exception: RestrictionException; reason: string }) =>
        run((command) =>
          command.call('restrictions.except', {
            ...{ restriction, requestId: options.request },
            ...{ exception: options.exception, reason: options.reason },
          }),
        ),
    );
  restrictions
    .command('told')
    .argument('<restriction>', 'its number', wholeNumber)
    .requiredOption('--how <text>', 'how and when the person was told, without an address')
    .description('records that the person was told that the restriction will be lifted')
    .action((restriction: number, { how }: { how: string }) =>
      run((command) => command.call('restrictions.told', { restriction, how })),
    );
  restrictions
    .command('lift')
    .argument('<restriction>', 'its number', wholeNumber)
    .requiredOption('--reason <text>')
    .option('--password-stdin', 'reads the password of your login from standard input')
    .description('lifts a restriction of which the person was told by somebody else of the staff')
    .action((restriction: number, { reason, ...options }: { reason: string } & PasswordInput) =>
      run(async (command) =>
        command.call('restrictions.lift', {
          ...{ restriction, reason },
          ...(await password(command, 'approve', options)),
        }),
      ),
    );
}
