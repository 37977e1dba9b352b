import { join } from 'node:path';
import { app, protocol } from 'electron';
import { findPlaces } from '#core/places.ts';
import { openDesk } from './desk.ts';
import { appScheme } from './protocol.ts';
import { neutraliseEnvironment, refusedSwitch } from './switches.ts';

/** The program's own arguments: what follows the executable, or, from a checkout, what follows the entry file. */
function ownArguments(): readonly string[] {
  if (app.isPackaged) return process.argv.slice(1);
  const entry = process.argv.findIndex((argument, index) => index > 0 && !argument.startsWith('-'));
  return entry < 0 ? [] : process.argv.slice(entry + 1);
}

async function start(): Promise<void> {
  neutraliseEnvironment(process.env);
  const given = ownArguments();
  const refused = app.isPackaged ? refusedSwitch(given, process.platform) : undefined;
  if (refused !== undefined) {
    process.stderr.write(`The console can't be started with ${refused}; start it without.\n`);
    app.exit(2);
    return;
  }
  if (given[0] === 'cli') {
    const { runCommandLine } = await import('../cli/run.ts');
    app.exit(await runCommandLine(given.slice(1)));
    return;
  }
  const places = findPlaces();
  // The lock below is one for each of these folders.
  app.setPath('userData', places.windowFolder);
  if (!app.requestSingleInstanceLock()) {
    app.exit(0);
    return;
  }
  app.enableSandbox();
  protocol.registerSchemesAsPrivileged([appScheme]);
  const [{ createConsole }, { osKeychain }, { openLog }] = await Promise.all([
    import('../core/console.ts'),
    import('../core/keychain/index.ts'),
    import('../core/kernel/log.ts'),
  ]);
  await openDesk(
    {
      renderer: join(import.meta.dirname, '../renderer'),
      preload: join(import.meta.dirname, '../preload/preload.cjs'),
    },
    (workstation) =>
      createConsole({ places, keychain: osKeychain(), log: openLog(places.logFolder), workstation }),
  );
}

start().catch((error: unknown) => {
  process.stderr.write(
    `The console could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  app.exit(3);
});
