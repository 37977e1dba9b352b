import { createConsole, type Console } from '#core/console.ts';
import { openLog } from '#core/kernel/log.ts';
import { osKeychain } from '#core/keychain/index.ts';
import { findPlaces } from '#core/places.ts';
import type { Failure } from '#shared/contract/result.ts';
import type { Job } from '#shared/contract/workstation.ts';
import { isUnderWay } from '#shared/domain/job.ts';
import { en } from '#shared/strings/en.ts';
import { Refused, UsageError, type Command } from './command.ts';
import { commands } from './commands.ts';
import { asJson, printValue } from './print.ts';
import { scratchServer } from './scratch.ts';

/** How a command ended, as its process tells. */
const exitCodes = { done: 0, refused: 1, usage: 2, bug: 3 } as const;

/**
 * Runs one command line.
 * @param argv arguments after the program's name
 * @returns 0 done, 1 expected refusal, 2 usage, 3 bug
 */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let json = argv.includes('--json');
  let console: Console | null = null;
  const open = (): Console => {
    if (console !== null) return console;
    const places = findPlaces();
    const scratch = scratchServer();
    console = createConsole({
      places,
      ...(scratch === undefined ? {} : { scratch }),
      keychain: osKeychain(),
      log: openLog(places.logFolder),
      workstation: {
        chooseFolder: () => Promise.resolve(null),
        chooseFile: () => Promise.resolve(null),
        copy: () => Promise.resolve(),
        shell: 'command line',
      },
    });
    return console;
  };
  const interruption = new AbortController();
  // The first Ctrl-C cancels what runs and lets it end in order; the second ends the program at once.
  const interrupted = (): void => {
    interruption.abort();
    void console?.dispatch('jobs.list', {}).then((result) => {
      if (!result.ok) return;
      for (const job of result.value.jobs) {
        if (isUnderWay(job)) void console?.dispatch('jobs.cancel', { id: job.id });
      }
    });
  };
  process.once('SIGINT', interrupted);
  try {
    const ran = await commands(argv, (options) => {
      ({ json } = options);
      return commandOver(open, options.profile, json, interruption.signal);
    });
    if (ran === 'shown') return exitCodes.done;
    printValue(ran.value, json, ran.as);
    return ran.refused ? exitCodes.refused : exitCodes.done;
  } catch (error) {
    if (error instanceof UsageError) {
      if (error.message !== '') process.stderr.write(`${error.message}\n`);
      return exitCodes.usage;
    }
    const failure: Failure =
      error instanceof Refused
        ? error.failure
        : { code: 'internal', message: 'Something unexpected happened in the command line.' };
    if (json) process.stdout.write(`${asJson({ failure })}\n`);
    // A table's name can be part of it, and hold what moves a cursor.
    else process.stderr.write(`${failure.message.replaceAll(/\p{Cc}|\p{Cf}/gu, ' ')}\n`);
    return failure.code === 'internal' ? exitCodes.bug : exitCodes.refused;
  } finally {
    process.off('SIGINT', interrupted);
    await (console as Console | null)?.close();
  }
}

/** One line of how far a job is. */
function progressOf({ kind, state, progress: { says, done, total } }: Job): string {
  if (state === 'waiting') return en.job.state.waiting;
  if (total === null) return says;
  return kind === 'export' ? `${en.job.percent(done)} · ${says}` : `${says} ${done}/${total}`;
}

function commandOver(
  open: () => Console,
  profile: string | null,
  json: boolean,
  interruption: AbortSignal,
): Command {
  const call: Command['call'] = async (name, input) => {
    // A job is cancelled by itself, and what comes of it is waited for.
    const result = await (name === 'jobs.wait'
      ? open().dispatch(name, input)
      : open().dispatch(name, input, interruption));
    if (!result.ok) throw new Refused(result.failure);
    return result.value;
  };
  return {
    call,
    profile,
    signIn: () => {
      if (profile === null)
        throw new UsageError(
          'Say which profile: --profile NAME (demo:operator and so on while a demo runs).',
        );
      return call('session.signIn', { profile });
    },
    async finish(jobId) {
      const stop = open().onEvent((event) => {
        if (event.type === 'job' && event.job.id === jobId && isUnderWay(event.job) && process.stderr.isTTY) {
          process.stderr.write(`\r\u001b[K${progressOf(event.job)}`);
        }
      });
      try {
        const { job } = await call('jobs.wait', { id: jobId });
        if (process.stderr.isTTY && !json) process.stderr.write('\r\u001b[K');
        if (job.failure !== null) {
          const { incident, ...failure } = job.failure;
          throw new Refused(incident === undefined ? failure : { ...failure, incident });
        }
        return job;
      } finally {
        stop();
      }
    },
  };
}
