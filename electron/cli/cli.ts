import { runCommandLine } from './run.ts';

// Who reads only the first lines, as `head` does, ends the reading and not the program.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
process.exitCode = await runCommandLine(process.argv.slice(2));
