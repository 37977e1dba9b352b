import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

/** What a signature is for; OpenSSH's namespace says it, so that one made for a package never passes for a certificate's. */
export const namespaces = {
  package: 'privacy-console-package',
  certificate: 'privacy-console-certificate',
  ledger: 'privacy-console-ledger',
} as const;
export type Purpose = keyof typeof namespaces;

/** By this name a list of allowed signers knows whoever signs; whose key it is, the console says. */
const principal = 'console';

/** One message signed twice by one key: for openssl, and for ssh-keygen. */
export interface Signature {
  /** 64 bytes (RFC 8032). */
  readonly raw: Uint8Array;
  /** Armoured SSHSIG (OpenSSH, PROTOCOL.sshsig). */
  readonly ssh: string;
}

/** Signs with one Ed25519 key. */
export interface Signer {
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Uint8Array;
  /** As `ssh-keygen -l` shows it: `SHA256:…`. */
  readonly fingerprint: string;
  sign(message: Uint8Array, purpose: Purpose): Signature;
}

/** A new private key, PKCS #8 in base64. */
export function makePrivateKey(): string {
  return generateKeyPairSync('ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'der' })
    .toString('base64');
}

/** The signer of a key made by {@link makePrivateKey}. Throws when it is none. */
export function signerOf(privateKey: string): Signer {
  const key = createPrivateKey({ key: Buffer.from(privateKey, 'base64'), type: 'pkcs8', format: 'der' });
  const publicKey = rawKeyOf(createPublicKey(key).export({ type: 'spki', format: 'der' }));
  return {
    publicKey,
    fingerprint: fingerprintOf(publicKey),
    sign: (message, purpose) => ({
      raw: sign(null, message, key),
      ssh: armoured(
        Buffer.concat([beforeSignature(publicKey, purpose), sign(null, sshMessage(message, purpose), key)]),
      ),
    }),
  };
}

/** A public key (32 bytes) as openssl takes it, as one line of SSH, and as the line of a list of allowed signers; each ends its line. */
export function publicForms(
  rawKey: Uint8Array,
  purposes: readonly Purpose[] = ['package', 'certificate', 'ledger'],
): {
  readonly pem: string;
  readonly ssh: string;
  readonly allowedSigner: string;
} {
  const line = `ssh-ed25519 ${blobOf(rawKey).toString('base64')}`;
  const [first = 'package'] = purposes;
  return {
    pem: keyOf(rawKey).export({ type: 'spki', format: 'pem' }).toString(),
    ssh: `${line} ${namespaces[first]}\n`,
    allowedSigner: `${principal} namespaces="${purposes.map((each) => namespaces[each]).join(',')}" ${line}\n`,
  };
}

/** Whether both are signatures of the message by this key (32 bytes). Who holds the key it does not say. */
export function isSignature(
  message: Uint8Array,
  purpose: Purpose,
  { raw, ssh }: Signature,
  rawKey: Uint8Array,
): boolean {
  if (raw.byteLength !== 64) return false;
  const key = keyOf(rawKey);
  const body = Buffer.from(ssh.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  const signature = body.subarray(-64);
  // Everything but the signature itself follows from the key, so it is compared, not parsed.
  return (
    verify(null, message, key, raw) &&
    body.equals(Buffer.concat([beforeSignature(rawKey, purpose), signature])) &&
    verify(null, sshMessage(message, purpose), key, signature)
  );
}

/** The key (32 bytes) in a line `ssh-ed25519 …`; null when it is none. */
export function keyOfLine(line: string): Uint8Array | null {
  const blob = Buffer.from(/^ssh-ed25519 ([A-Za-z0-9+/=]+)(?:\s|$)/.exec(line)?.[1] ?? '', 'base64');
  const rawKey = blob.subarray(-32);
  return blob.equals(blobOf(rawKey)) ? rawKey : null;
}

/** The key (32 bytes) in a PEM as {@link publicForms} writes it; null when it is none. */
export function keyOfPem(pem: string): Uint8Array | null {
  try {
    const rawKey = rawKeyOf(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
    return publicForms(rawKey).pem === pem ? rawKey : null;
  } catch {
    return null;
  }
}

/** As `ssh-keygen -l` shows a key (32 bytes). */
export function fingerprintOf(rawKey: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blobOf(rawKey)).digest('base64').replace(/=+$/, '')}`;
}

/** DER of an Ed25519 key up to its 32 bytes (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b6570032100', 'hex');

function keyOf(rawKey: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([spkiPrefix, rawKey]), type: 'spki', format: 'der' });
}

function rawKeyOf(spki: Buffer): Buffer {
  return spki.subarray(spkiPrefix.byteLength);
}

function blobOf(rawKey: Uint8Array): Buffer {
  return Buffer.concat([string('ssh-ed25519'), string(rawKey)]);
}

/** An SSHSIG up to the 64 bytes of its signature. */
function beforeSignature(rawKey: Uint8Array, purpose: Purpose): Buffer {
  return Buffer.concat([
    Buffer.from('SSHSIG'),
    Buffer.from([0, 0, 0, 1]),
    string(blobOf(rawKey)),
    string(namespaces[purpose]),
    string(''),
    string('sha512'),
    Buffer.from([0, 0, 0, 83]),
    string('ssh-ed25519'),
    Buffer.from([0, 0, 0, 64]),
  ]);
}

/** What is signed in an SSHSIG (OpenSSH, PROTOCOL.sshsig). */
function sshMessage(message: Uint8Array, purpose: Purpose): Buffer {
  const hash = createHash('sha512').update(message).digest();
  return Buffer.concat([
    Buffer.from('SSHSIG'),
    string(namespaces[purpose]),
    string(''),
    string('sha512'),
    string(hash),
  ]);
}

/** A string of the SSH protocol: its length in four bytes, and itself. */
function string(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.byteLength);
  return Buffer.concat([length, bytes]);
}

function armoured(sealed: Buffer): string {
  const lines = sealed.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN SSH SIGNATURE-----', ...lines, '-----END SSH SIGNATURE-----', ''].join('\n');
}
