import path from 'node:path';
import { InvalidArgumentError, Option, type Command as Commander } from 'commander';
import { pageLanguages, type PageLanguage } from '#shared/contract/exports.ts';
import { recordedEvents, type RecordedEvent } from '#shared/domain/custody.ts';
import type { Command } from './command.ts';
import { wholeNumber } from './numbers.ts';

type Run = (
  work: (command: Command) => Promise<unknown>,
  options?: { readonly signIn?: boolean },
) => Promise<void>;

interface WriteOptions {
  readonly file: string;
  readonly to: string;
  readonly medium: string;
  readonly volumes?: number;
  readonly language: PageLanguage;
}

/** Packages onto media, and who has them. */
export function deliveryCommands(program: Commander, run: Run): void {
  const delivery = program
    .command('deliver')
    .description('a finished package onto a medium, and from hand to hand');
  delivery
    .command('room <folder>')
    .description('how much room a medium has, and the largest file it holds')
    .action((folder: string) =>
      run((command) => command.call('delivery.inspect', { folder: path.resolve(folder) })),
    );
  delivery
    .command('write')
    .argument('<export>', 'number of the export', wholeNumber)
    .requiredOption('--file <file>', 'the package')
    .requiredOption('--to <folder>', 'on the medium')
    .requiredOption('--medium <label>', 'what is written on it')
    .addOption(
      new Option('--volumes <MB>', 'splits it into volumes of so many megabytes').argParser((text) => {
        const megabytes = wholeNumber(text);
        if (megabytes < 2) throw new InvalidArgumentError('At least 2.');
        return megabytes * 1_000_000;
      }),
    )
    .addOption(new Option('--language <language>', 'of the sheet').choices(pageLanguages).default('en'))
    .description('writes it there, reads it back, and adds the delivery sheet')
    .action((exportId: number, options: WriteOptions) =>
      run(async (command) => {
        const { jobId } = await command.call('delivery.write', {
          exportId,
          file: path.resolve(options.file),
          folder: path.resolve(options.to),
          medium: options.medium,
          language: options.language,
          ...(options.volumes === undefined ? {} : { volumeBytes: options.volumes }),
        });
        return (await command.finish(jobId)).result;
      }),
    );
  delivery
    .command('join <file>')
    .requiredOption('--to <folder>', 'where the whole package goes')
    .description('puts volumes together again, beginning with the one that ends with .001')
    .action((file: string, { to }: { to: string }) =>
      run(
        (command) => command.call('delivery.join', { file: path.resolve(file), folder: path.resolve(to) }),
        { signIn: false },
      ),
    );
  const copies = program
    .command('copies')
    .description('packages that lie on this computer, and until when they may')
    .action(() => run(async (command) => (await command.call('copies.list', {})).copies));
  copies
    .command('shred')
    .argument('<export>', 'number of the export', wholeNumber)
    .argument('<path>', 'where it lies')
    .description('overwrites and removes one')
    .action((exportId: number, at: string) =>
      run((command) => command.call('copies.shred', { exportId, path: path.resolve(at) })),
    );
  copies
    .command('expire')
    .description('overwrites and removes those that are older than they may be')
    .action(() => run((command) => command.call('copies.expire', {})));
  delivery
    .command('record')
    .argument('<export>', 'number of the export', wholeNumber)
    .addOption(new Option('--event <event>', 'what happened').choices(recordedEvents).makeOptionMandatory())
    .requiredOption('--medium <label>', 'what is written on it')
    .option('--note <text>', 'to whom, or who has it')
    .description('records that a medium was handed over, received, returned or destroyed')
    .action((exportId: number, options: { event: RecordedEvent; medium: string; note?: string }) =>
      run((command) => command.call('custody.record', { exportId, ...options })),
    );
  delivery
    .command('list')
    .argument('<export>', 'number of the export', wholeNumber)
    .description('lists the media of a package and who had them')
    .action((exportId: number) =>
      run(async (command) => (await command.call('custody.list', { exportId })).custody),
    );
}
