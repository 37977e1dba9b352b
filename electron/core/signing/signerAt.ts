import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { Signer } from './signature.ts';
import { openSigner } from './signingKey.ts';

/**
 * Who signs at this desk, with the key registered for them; null without a keychain, as there is nowhere to keep a key:
 * what is made then goes unsigned, and says so.
 */
export async function signerAt(
  { database, signingKey }: Desk,
  { note }: Pick<Call, 'note'>,
): Promise<Signer | null> {
  try {
    return await openSigner(signingKey, async (publicKey) => {
      const { retired } = await database.effect(
        sql`select privacy_console.use_signing_key(decode(${Buffer.from(publicKey).toString('hex')}::text, 'hex')) as result`,
        z.object({ retired: z.boolean() }),
        note,
      );
      return !retired;
    });
  } catch (error) {
    if (error instanceof ExpectedError && error.code === 'no_keychain') return null;
    throw error;
  }
}
