import { createHash } from 'node:crypto';
import { z } from 'zod';
import { fingerprintOf, isSignature, keyOfPem, publicForms, type Signature } from '#core/signing/index.ts';

/** One person's signature of a certificate's text, with the key to check it by. */
export interface SignedBy extends Signature {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A certificate as it leaves the console: its exact text, and who signed it. */
export interface CertificateDocument {
  readonly text: string;
  readonly signatures: readonly SignedBy[];
}

const written = z.strictObject({
  format: z.literal('cloudsingh-privacy-console-certificate-1'),
  certificate: z.string().max(5_000_000),
  sha256: z.string(),
  signatures: z
    .array(
      z.strictObject({
        publicKey: z.string().max(1_000),
        signature: z.string().max(200),
        sshSignature: z.string().max(2_000),
      }),
    )
    .max(20),
});

/** SHA-256 of a certificate's text, in hex, as the trail has it. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** The document as one JSON file: `certificate` is the text that was signed, byte for byte, in UTF-8. */
export function documentText({ text, signatures }: CertificateDocument): string {
  const envelope: z.output<typeof written> = {
    format: 'cloudsingh-privacy-console-certificate-1',
    certificate: text,
    sha256: sha256Of(text),
    signatures: signatures.map(({ publicKey, raw, ssh }) => ({
      publicKey: publicForms(publicKey).pem,
      signature: Buffer.from(raw).toString('base64'),
      sshSignature: ssh,
    })),
  };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/** What {@link documentText} wrote, with the signatures that are none; null when it is no such document. */
export function readDocument(
  file: string,
): (CertificateDocument & { readonly sha256: string; readonly broken: number }) | null {
  let parsed: z.output<typeof written>;
  try {
    parsed = written.parse(JSON.parse(file));
  } catch {
    return null;
  }
  const { certificate: text, sha256 } = parsed;
  const signatures = parsed.signatures.flatMap(({ publicKey, signature, sshSignature }) => {
    const key = keyOfPem(publicKey);
    return key === null ? [] : [{ publicKey: key, raw: Buffer.from(signature, 'base64'), ssh: sshSignature }];
  });
  return { text, sha256, signatures, broken: parsed.signatures.length - signatures.length };
}

/** The fingerprint of who signed, or null where this is no signature of the text. */
export function signerIn(text: string, { publicKey, ...signature }: SignedBy): string | null {
  return isSignature(Buffer.from(text, 'utf8'), 'certificate', signature, publicKey)
    ? fingerprintOf(publicKey)
    : null;
}
