import { buildIfStale, ended, findShell, hasDisplay, startShell } from './shell.ts';

/** `npm start`: builds what is stale and opens the console's window. */
async function start(): Promise<number> {
  const given = process.argv.slice(2);
  const shell = await findShell();
  const isCommandLine = given[0] === 'cli';
  if (!isCommandLine && !hasDisplay()) {
    process.stderr.write(
      'There is no display here; "npm run demo -- --headless" shows the console without one.\n',
    );
    return 1;
  }
  if (!isCommandLine && !shell.canShow) {
    process.stderr.write(
      'Neither Electron nor a browser with windows is here; install Chromium (Debian: apt-get install chromium) and start again.\n',
    );
    return 1;
  }
  await buildIfStale();
  if (!isCommandLine) process.stderr.write(`The window is shown by ${shell.says}.\n`);
  const child = startShell(shell, { headless: false, arguments: given });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return await ended(child);
}

process.exitCode = await start();
