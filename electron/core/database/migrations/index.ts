import { createHash } from 'node:crypto';
import { access } from './0001Access.ts';
import { batches } from './0001Batch.ts';
import { certificates } from './0001Certificate.ts';
import { checking } from './0001Check.ts';
import { correcting } from './0001Correction.ts';
import { custody } from './0001Custody.ts';
import { erasing } from './0001Erasure.ts';
import { erasedPeople } from './0001ErasedPeople.ts';
import { exporting } from './0001Export.ts';
import { holds } from './0001Holds.ts';
import { ledger } from './0001Ledger.ts';
import { lookingAgain } from './0001LookAgain.ts';
import { mapChange } from './0001MapChange.ts';
import { restoring } from './0001Restore.ts';
import {
  longestTransaction,
  reaper,
  reaperRights,
  sessionBegan,
  staffLogins,
  trailRights,
} from './0001Rights.ts';
import { retaining } from './0001Retention.ts';
import { restrictions } from './0001Restriction.ts';
import { schema } from './0001Roles.ts';
import { signingKeys } from './0001SigningKey.ts';
import { trail } from './0001Trail.ts';

/** Who a part of a migration runs as: the administrator, or one of the owners. */
export type Owner = 'administrator' | 'trail' | 'reaper';

/** One numbered change of our schema. Once released it is never edited; the next one is added after it. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly parts: readonly { readonly as: Owner; readonly sql: string }[];
}

export const migrations: readonly Migration[] = [
  {
    version: 1,
    name: 'guard and trail',
    parts: [
      { as: 'administrator', sql: schema },
      {
        as: 'trail',
        sql: `${trail}${access}${checking}${signingKeys}${exporting}${custody}${erasing}${lookingAgain}${erasedPeople}${certificates}${holds}${restrictions}${correcting}${mapChange}${restoring}${ledger}${retaining}${batches}${staffLogins}${trailRights}`,
      },
      { as: 'trail', sql: 'grant create on schema privacy_console to privacy_console_reaper;' },
      { as: 'reaper', sql: `${reaper}${sessionBegan}${longestTransaction}${reaperRights}` },
      { as: 'trail', sql: 'revoke create on schema privacy_console from privacy_console_reaper;' },
    ],
  },
];

/** Version of the schema this program works with. */
export const schemaVersion = Math.max(...migrations.map((each) => each.version));

/** SHA-256 of what a migration runs, hex; recorded, so that a change after release shows. */
export function migrationHash(migration: Migration): string {
  return createHash('sha256').update(JSON.stringify(migration.parts)).digest('hex');
}
