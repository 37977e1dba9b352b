import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { ScratchServer } from '#core/installation/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { programFolder } from '#core/kernel/programFolder.ts';

/**
 * Starts the PostgreSQL that a checkout has for its demo, for a schema that lies in a file; undefined in an
 * installed program, which has none.
 */
export function scratchServer(): (() => Promise<ScratchServer>) | undefined {
  const program = path.join(programFolder(), 'electron', 'demo', 'scratchServer.ts');
  if (!existsSync(program)) return undefined;
  return async () => {
    const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'ignore'] });
    child.stdin.on('error', () => undefined);
    const ended = once(child, 'exit');
    const lines = createInterface({ input: child.stdout });
    const told = await Promise.race([once(lines, 'line'), ended.then(() => null)]);
    if (told === null)
      throw new ExpectedError(
        'unreachable',
        'The scratch PostgreSQL of this checkout did not start; run npm ci, or name an empty scratch database with --profile.',
      );
    const { host, port, database, user, password } = JSON.parse(String(told[0])) as Omit<
      ScratchServer,
      'stop'
    >;
    return {
      host,
      port,
      database,
      user,
      password,
      async stop() {
        child.stdin.end();
        await ended;
      },
    };
  };
}
