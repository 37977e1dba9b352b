import { fingerprintOf, isSignature, keyOfLine, publicForms, type Signer } from '#core/signing/index.ts';

/** The files a signed package has beside its tag manifest, by what they hold. */
export const signatureFiles = {
  raw: 'tagmanifest-sha256.txt.sig',
  ssh: 'tagmanifest-sha256.txt.sshsig',
  sshKey: 'signer.pub',
  pemKey: 'signer.pem',
} as const;

/** What goes beside a tag manifest that is signed, by path. */
export function signedFiles(signer: Signer, tagManifest: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const { raw, ssh } = signer.sign(tagManifest, 'package');
  const forms = publicForms(signer.publicKey, ['package']);
  return new Map<string, Uint8Array>([
    [signatureFiles.raw, raw],
    [signatureFiles.ssh, Buffer.from(ssh)],
    [signatureFiles.sshKey, Buffer.from(forms.ssh)],
    [signatureFiles.pemKey, Buffer.from(forms.pem)],
  ]);
}

/**
 * Whether the four files are one signature of the tag manifest, made twice by
 * one key: its fingerprint, or null. Who holds the key it does not say.
 */
export function checkSignature(
  tagManifest: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
): string | null {
  const [raw, ssh, sshKey, pemKey] = Object.values(signatureFiles).map((path) => files.get(path));
  if (raw === undefined || ssh === undefined || sshKey === undefined || pemKey === undefined) return null;
  const line = Buffer.from(sshKey).toString('latin1');
  const rawKey = /^[^\r\n]*\n?$/.test(line) ? keyOfLine(line) : null;
  if (rawKey === null || publicForms(rawKey).pem !== Buffer.from(pemKey).toString('latin1')) return null;
  const signature = { raw, ssh: Buffer.from(ssh).toString('latin1') };
  return isSignature(tagManifest, 'package', signature, rawKey) ? fingerprintOf(rawKey) : null;
}
