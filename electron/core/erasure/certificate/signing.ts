import { z } from 'zod';
import type { Desk } from '#core/connections/index.ts';
import { sql } from '#core/database/sql.ts';
import type { Call } from '#core/kernel/dispatch.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { signerAt } from '#core/signing/index.ts';
import { sha256Of, type SignedBy } from './document.ts';

const signatureRow = z.object({
  publicKey: z.string().transform((hex) => Buffer.from(hex, 'hex')),
  raw: z.string().transform((base64) => Buffer.from(base64, 'base64')),
  ssh: z.string(),
  login: z.string(),
  person: z.string(),
  at: z.string(),
  retired: z.boolean(),
});

export async function signaturesOf(
  { database }: Desk,
  plan: number,
): Promise<readonly (SignedBy & z.output<typeof signatureRow>)[]> {
  return database.rows(
    sql`select public_key as "publicKey", raw, ssh, login, person, to_json(at) #>> '{}' as at, retired from privacy_console.certificate_signatures(${plan}::bigint)`,
    signatureRow,
  );
}

/** Signs with the key of who is signed in; null without a keychain. */
export async function signCertificate(
  at: Desk,
  plan: number,
  { text }: { readonly text: string },
  call: Pick<Call, 'note'>,
): Promise<{ readonly fingerprint: string; readonly entry: number } | null> {
  const signer = await signerAt(at, call);
  if (signer === null) return null;
  const { raw, ssh } = signer.sign(Buffer.from(text, 'utf8'), 'certificate');
  const { entry } = await at.database.effect(
    sql`select privacy_console.sign_certificate(${plan}::bigint, ${sha256Of(text)}::text, ${signer.fingerprint}::text, ${Buffer.from(raw).toString('base64')}::text, ${ssh}::text) as result`,
    z.object({ entry: z.number() }),
    call.note,
  );
  return { fingerprint: signer.fingerprint, entry };
}

/** Signs the certificate of a run that has just ended; what fails there takes nothing of the deletion back, and it can be signed later. */
export async function signEnded(at: Desk, plan: number): Promise<boolean> {
  try {
    const { text } = await at.database.row(
      sql`select text from privacy_console.read_certificate(${plan}::bigint)`,
      z.object({ text: z.string() }),
    );
    return (await signCertificate(at, plan, { text }, { note: () => undefined })) !== null;
  } catch (error) {
    if (error instanceof ExpectedError) return false;
    throw error;
  }
}
