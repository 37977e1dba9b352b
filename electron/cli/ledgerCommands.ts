import path from 'node:path';
import type { Command as Commander } from 'commander';
import type { Replay } from '#shared/contract/erasure.ts';
import { en } from '#shared/strings/en.ts';
import { UsageError, type Command } from './command.ts';
import { wholeNumber } from './numbers.ts';

interface LedgerOptions {
  readonly save?: string;
  readonly append: boolean;
  readonly signer?: string;
}

const signerOption = [
  '--signer <key>',
  'whose signature the ledger has, where the registry doesn’t know it: SHA256:…, or a file with the public key',
] as const;

/** The ledger of deletions, kept outside the backups, and who of it came back with one. */
export function ledgerCommands(
  erase: Commander,
  run: (work: (command: Command) => Promise<unknown>) => Promise<void>,
  json: () => boolean,
): void {
  const shown = ({ found, ...replay }: Replay): object =>
    json()
      ? { ...replay, found }
      : {
          ...replay,
          found: found.map((each) => ({
            was: each.was,
            outcome: en.deletion.ledger.outcome[each.outcome],
            erased: each.erasedAt,
            now: each.subject,
            request: each.request,
          })),
        };
  const oneReplay = async (command: Command, number: number): Promise<object> => {
    const [found] = (await command.call('erasure.replays', { replay: number })).replays;
    if (found === undefined) throw new UsageError(`There is no check ${number} against a ledger.`);
    return shown(found);
  };
  erase
    .command('ledger')
    .option('--save <file>', 'writes it to a new file, to be kept outside the backups')
    .option('--append', 'adds to the ledger in that file, or begins it; for a timer', false)
    .option(...signerOption)
    .description('says when the ledger of deletions was last saved and what is not in it; saves it')
    .action(({ save, append, signer }: LedgerOptions) =>
      run((command) =>
        save === undefined
          ? command.call('erasure.ledger', {})
          : command.call('erasure.saveLedger', {
              file: path.resolve(save),
              append,
              ...(signer === undefined ? {} : { signer }),
            }),
      ),
    );
  erase
    .command('replay')
    .requiredOption('--ledger <file>', 'a ledger that was saved before the backup was restored')
    .option(...signerOption)
    .description(
      'looks for erased people who came back with a restored backup and opens a deletion request for each; deletes nothing',
    )
    .action(({ ledger, signer }: { ledger: string; signer?: string }) =>
      run(async (command) => {
        const { jobId, replay } = await command.call('erasure.replayLedger', {
          file: path.resolve(ledger),
          ...(signer === undefined ? {} : { signer }),
        });
        await command.finish(jobId);
        return oneReplay(command, replay);
      }),
    );
  erase
    .command('replays')
    .argument('[number]', 'one of them', wholeNumber)
    .description('the last checks against a ledger, or one with who was found')
    .action((number: number | undefined) =>
      run(async (command) =>
        number === undefined
          ? (await command.call('erasure.replays', {})).replays.map(({ found: _found, ...each }) => each)
          : oneReplay(command, number),
      ),
    );
}
