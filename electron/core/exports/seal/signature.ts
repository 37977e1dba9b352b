import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

/** What a signature of OpenSSH says it is for, so that none made for something else passes for a package's. */
export const namespace = 'privacy-console-package';

/** The files a signed package has beside its tag manifest, by what they hold. */
export const signatureFiles = {
  raw: 'tagmanifest-sha256.txt.sig',
  ssh: 'tagmanifest-sha256.txt.sshsig',
  sshKey: 'signer.pub',
  pemKey: 'signer.pem',
} as const;

/** By this name a list of allowed signers knows whoever signs packages; whose key it is, the console says. */
const principal = 'console';

/** Signs tag manifests with one Ed25519 key. */
export interface Signer {
  /** 32 bytes (RFC 8032). */
  readonly publicKey: Uint8Array;
  /** As `ssh-keygen -l` shows it: `SHA256:…`. */
  readonly fingerprint: string;
  /** What goes beside the tag manifest, by path. */
  sign(tagManifest: Uint8Array): ReadonlyMap<string, Uint8Array>;
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
  const publicKey = createPublicKey(key);
  const rawKey = rawKeyOf(publicKey.export({ type: 'spki', format: 'der' }));
  const blob = blobOf(rawKey);
  const { ssh, pem } = publicForms(rawKey);
  return {
    publicKey: rawKey,
    fingerprint: fingerprintOf(blob),
    sign(tagManifest) {
      const signature = string(sign(null, sshMessage(tagManifest), key));
      const sealed = Buffer.concat([
        Buffer.from('SSHSIG'),
        Buffer.from([0, 0, 0, 1]),
        string(blob),
        string(namespace),
        string(''),
        string('sha512'),
        string(Buffer.concat([string('ssh-ed25519'), signature])),
      ]);
      return new Map<string, Uint8Array>([
        [signatureFiles.raw, sign(null, tagManifest, key)],
        [signatureFiles.ssh, Buffer.from(armoured(sealed))],
        [signatureFiles.sshKey, Buffer.from(ssh)],
        [signatureFiles.pemKey, Buffer.from(pem)],
      ]);
    },
  };
}

/** A public key (32 bytes) as openssl takes it, as one line of SSH, and as the line of a list of allowed signers; each ends its line. */
export function publicForms(rawKey: Uint8Array): {
  readonly pem: string;
  readonly ssh: string;
  readonly allowedSigner: string;
} {
  const line = `ssh-ed25519 ${blobOf(rawKey).toString('base64')}`;
  return {
    pem: keyOf(rawKey).export({ type: 'spki', format: 'pem' }).toString(),
    ssh: `${line} ${namespace}\n`,
    allowedSigner: `${principal} namespaces="${namespace}" ${line}\n`,
  };
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
  if (raw?.byteLength !== 64 || ssh === undefined || sshKey === undefined || pemKey === undefined)
    return null;
  const fields = /^ssh-ed25519 ([A-Za-z0-9+/=]+)(?: [^\r\n]*)?\n?$/.exec(
    Buffer.from(sshKey).toString('latin1'),
  );
  const blob = Buffer.from(fields?.[1] ?? '', 'base64');
  const rawKey = blob.subarray(-32);
  if (!blob.equals(blobOf(rawKey))) return null;
  const key = keyOf(rawKey);
  if (publicForms(rawKey).pem !== Buffer.from(pemKey).toString('latin1')) return null;
  if (!verify(null, tagManifest, key, raw)) return null;
  const body = Buffer.from(
    Buffer.from(ssh)
      .toString('latin1')
      .replaceAll(/-----[A-Z ]+-----|\s/g, ''),
    'base64',
  );
  const signature = body.subarray(-64);
  // Everything but the signature itself follows from the key, so it is compared, not parsed.
  const before = Buffer.concat([
    Buffer.from('SSHSIG'),
    Buffer.from([0, 0, 0, 1]),
    string(blob),
    string(namespace),
    string(''),
    string('sha512'),
    Buffer.from([0, 0, 0, 83]),
    string('ssh-ed25519'),
    Buffer.from([0, 0, 0, 64]),
  ]);
  if (!body.equals(Buffer.concat([before, signature]))) return null;
  return verify(null, sshMessage(tagManifest), key, signature) ? fingerprintOf(blob) : null;
}

/** The fingerprint of a key in the form `ssh-ed25519 …`; null when it is none. */
export function fingerprintOfLine(line: string): string | null {
  const blob = Buffer.from(/^ssh-ed25519 ([A-Za-z0-9+/=]+)(\s|$)/.exec(line)?.[1] ?? '', 'base64');
  return blob.equals(blobOf(blob.subarray(-32))) ? fingerprintOf(blob) : null;
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

function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** What is signed in an SSHSIG (OpenSSH, PROTOCOL.sshsig). */
function sshMessage(message: Uint8Array): Buffer {
  const hash = createHash('sha512').update(message).digest();
  return Buffer.concat([
    Buffer.from('SSHSIG'),
    string(namespace),
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
