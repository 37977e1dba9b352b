import { Option, type Command as Commander } from 'commander';
import type { InputOf } from '#shared/contract/index.ts';
import { redactionGrounds, type RedactionGround } from '#shared/domain/redaction.ts';
import { UsageError, type Command } from './command.ts';
import { scopeFrom, withScope, type ScopeOptions } from './exportScope.ts';
import { wholeNumber } from './numbers.ts';

interface ReviewOptions extends ScopeOptions {
  readonly collection?: string;
  readonly files: boolean;
  readonly limit: number;
}

interface RedactOptions {
  readonly collection?: string;
  readonly record?: string;
  readonly column?: string;
  readonly file?: string;
  readonly ground: RedactionGround;
  readonly reason: string;
}

/** Looking at what would go out, and keeping some of it back. */
export function reviewCommands(
  program: Commander,
  run: (work: (command: Command) => Promise<unknown>) => Promise<void>,
): void {
  withScope(program.command('review').argument('<request>', 'access or export request', wholeNumber))
    .option('--collection <name>', 'shows its records, newest first; without it, what there is is told')
    .option('--files', 'shows the files', false)
    .addOption(
      new Option('--limit <number>', 'records or files that are shown').argParser(wholeNumber).default(50),
    )
    .description('shows what a package of the request would hold, before it is written')
    .action((requestId: number, options: ReviewOptions) =>
      run(async (command) => {
        const { exportId } = await command.call('reviews.open', { requestId, ...scopeFrom(options) });
        try {
          return await reviewed(command, exportId, options);
        } finally {
          await command.call('exports.abandon', { exportId });
        }
      }),
    );

  program
    .command('redact')
    .argument('<request>', 'access or export request', wholeNumber)
    .option('--collection <name>', 'of the record')
    .option('--record <key>', 'the record’s key as “review” shows it')
    .option('--column <name>', 'only this field of the record')
    .option('--file <key>', 'a file, by its key in R2')
    .addOption(
      new Option('--ground <ground>', 'why it may be kept back')
        .choices(redactionGrounds)
        .makeOptionMandatory(),
    )
    .requiredOption('--reason <text>', 'for the trail, in your words')
    .description('keeps a record, a field of one, or a file out of the packages of a request')
    .action((requestId: number, options: RedactOptions) =>
      run((command) =>
        command.call('reviews.redact', {
          requestId,
          what: redacted(options),
          ground: options.ground,
          reason: options.reason,
        }),
      ),
    );

  const redactions = program
    .command('redactions')
    .argument('<request>', 'access or export request', wholeNumber)
    .description('lists what is kept out of the packages of a request')
    .action((requestId: number) =>
      run(async (command) => (await command.call('reviews.redactions', { requestId })).redactions),
    );
  redactions
    .command('withdraw')
    .argument('<redaction>', 'its number', wholeNumber)
    .requiredOption('--reason <text>', 'why it goes out after all')
    .description('lets go out again what was kept back')
    .action((redactionId: number, { reason }: { reason: string }) =>
      run((command) => command.call('reviews.withdraw', { redactionId, reason })),
    );
}

async function reviewed(
  command: Command,
  exportId: number,
  { collection, files, limit }: ReviewOptions,
): Promise<unknown> {
  if (files) return (await command.call('reviews.files', { exportId, limit })).files;
  if (collection !== undefined) {
    const { rows } = await command.call('reviews.page', { exportId, collection, limit });
    return rows.map(({ row, values }) => ({ record: row, ...values }));
  }
  const { collections } = await command.call('reviews.show', { exportId });
  return collections.map(({ name, title, rows, columns }) => ({
    name,
    title,
    rows,
    columns: columns.map((column) => column.name).join(' '),
  }));
}

function redacted({ collection, record, column, file }: RedactOptions): InputOf<'reviews.redact'>['what'] {
  if (file !== undefined && collection === undefined && record === undefined && column === undefined)
    return { kind: 'file', key: file };
  if (file !== undefined || collection === undefined || record === undefined)
    throw new UsageError(
      'Name --collection and --record, and --column for one field of it; or --file alone.',
    );
  return column === undefined
    ? { kind: 'record', collection, row: record }
    : { kind: 'field', collection, row: record, column };
}
