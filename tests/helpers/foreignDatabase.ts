import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { inject } from 'vitest';
import type { Console } from '#core/console.ts';
import type { Ask } from '#core/dataMap/catalogue.ts';
import { platformOwner } from '#demo/platformSchema.ts';
import { writeDemoSecrets } from '#demo/secrets.ts';
import { plainConsole } from '#demo/staff.ts';
import { withSuperuser, type SuperuserSession } from '#demo/superuser.ts';

/** A database with somebody else's schema, in the cluster the tests share; the console isn't installed in it. */
export interface ForeignDatabase {
  readonly database: string;
  readonly folder: string;
  /** A console whose demo profiles are logins to this database; closed with it. */
  console(): Console;
  superuser<Value>(work: (session: SuperuserSession) => Promise<Value>): Promise<Value>;
  /** Works with a way to ask as that role, and every row that came back; as superuser unless told. */
  asking<Value>(
    work: (ask: Ask, answers: readonly Record<string, unknown>[]) => Promise<Value>,
    role?: string,
  ): Promise<Value>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes one with the SQL run as the platform's owner, who the administrator is a member of.
 * @param bucket false: its profiles name none
 */
export async function openForeignDatabase(
  schema: string,
  { bucket = true }: { readonly bucket?: boolean } = {},
): Promise<ForeignDatabase> {
  const shared = inject('platform');
  const server = { host: shared.host, port: shared.port, superuser: shared.superuser };
  const database = `foreign_${randomBytes(6).toString('hex')}`;
  await withSuperuser(server, 'postgres', async ({ query }) => {
    await query(`create database ${database} template template0 owner ${platformOwner}`);
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'privacy-console-foreign-'));
  await writeDemoSecrets(folder, { ...shared.secrets, ...(bucket ? {} : { r2: null }), database });
  const consoles: Console[] = [];
  const foreign: ForeignDatabase = {
    database,
    folder,
    console() {
      const console = plainConsole({ profileFolder: folder, demoFolder: folder });
      consoles.push(console);
      return console;
    },
    superuser: (work) => withSuperuser(server, database, work),
    asking: (work, role) =>
      withSuperuser(server, database, async ({ query }) => {
        if (role !== undefined) await query(`set role ${role}`);
        const answers: Record<string, unknown>[] = [];
        return work(async (text, values) => {
          const { rows } = await query(text, values);
          answers.push(...rows);
          return rows;
        }, answers);
      }),
    async [Symbol.asyncDispose]() {
      await Promise.allSettled(consoles.map((each) => each.close()));
      await withSuperuser(server, 'postgres', async ({ query }) => {
        await query(`drop database if exists ${database} with (force)`);
      });
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await foreign.superuser(({ query }) => query(`set role ${platformOwner}; ${schema}`));
  } catch (error) {
    await foreign[Symbol.asyncDispose]();
    throw error;
  }
  return foreign;
}
