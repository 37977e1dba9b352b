import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { copyDatabase } from '#demo/platform.ts';
import { withSuperuser } from '#demo/superuser.ts';
import type { TestDesk } from './testDesk.ts';

/** A copy of a whole database as it was: the platform's tables and the console's schema with its trail. */
export interface Backup {
  /** Puts the copy in the database's place; whoever is connected is put out. */
  restore(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Takes a backup of a desk's database, which nobody may be connected to. */
export async function takeBackup({ database }: Pick<TestDesk, 'database'>): Promise<Backup> {
  const { host, port, superuser } = inject('platform');
  const server = { host, port, superuser } as Parameters<typeof copyDatabase>[0];
  const copy = `backup_${randomBytes(6).toString('hex')}`;
  const drop = (name: string): Promise<void> =>
    withSuperuser(server, 'postgres', async ({ query }) => {
      await query(`drop database if exists ${name} with (force)`);
    });
  await copyDatabase(server, database, copy);
  return {
    async restore() {
      await drop(database);
      await copyDatabase(server, copy, database);
    },
    [Symbol.asyncDispose]: () => drop(copy),
  };
}
