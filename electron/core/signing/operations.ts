import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { SomeHandlers } from '#core/kernel/dispatch.ts';
import { publicForms } from './signature.ts';

const keyRow = z.object({
  id: z.coerce.number(),
  login: z.string(),
  person: z.string(),
  mine: z.boolean(),
  publicKey: z.string(),
  fingerprint: z.string(),
  workstation: z.string(),
  registeredAt: z.string(),
  packages: z.coerce.number(),
  retiredAt: z.string().nullable(),
  retiredBy: z.string().nullable(),
  reason: z.string().nullable(),
});

/** The registry of keys that sign packages. */
export function keyOperations(desk: () => Desk): SomeHandlers<'keys.list' | 'keys.retire'> {
  return {
    'keys.list': async () => {
      const keys = await desk().database.rows(
        sql`select id, login, person, mine, public_key as "publicKey", fingerprint, workstation, to_json(registered_at) #>> '{}' as "registeredAt",
              packages, to_json(retired_at) #>> '{}' as "retiredAt", retired_by as "retiredBy", reason
            from privacy_console.signing_keys()`,
        keyRow,
      );
      return {
        keys: keys.map(({ publicKey, ...key }) => {
          const { pem, allowedSigner } = publicForms(Buffer.from(publicKey, 'hex'));
          return { ...key, pem, allowedSigner };
        }),
      };
    },
    'keys.retire': async ({ keyId, reason }, call) => {
      const { entry } = await desk().database.effect(
        sql`select privacy_console.retire_signing_key(${keyId}::bigint, ${reason}::text) as result`,
        z.object({ entry: z.number() }),
        call.note,
      );
      return { entry };
    },
  };
}
