import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';

// Written out in DER, since Node makes no certificates and a new machine need not have the `openssl` command.

/** A certificate and its key, both PEM. */
export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

export interface ServerNames {
  readonly names: readonly string[];
  readonly from?: Date;
  readonly until?: Date;
}

/** A made-up certificate authority. */
export interface Authority {
  readonly certificate: string;
  issue(server: ServerNames): Certified;
}

const day = 24 * 3_600_000;

export function makeAuthority(organisation: string): Authority {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = distinguishedName(organisation);
  const authority = { name, key: pair.privateKey };
  const certificate = build({
    subject: name,
    publicKey: pair.publicKey,
    issuer: authority,
    extensions: [authorityConstraint],
  });
  return { certificate, issue: (server) => serverCertificate(server, authority) };
}

/** A certificate that vouches for itself. */
export function selfSigned(server: ServerNames): Certified {
  return serverCertificate(server, undefined);
}

interface Issuer {
  readonly name: Buffer;
  readonly key: KeyObject;
}

function serverCertificate({ names, from, until }: ServerNames, issuer: Issuer | undefined): Certified {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = distinguishedName('database server');
  const alternatives = names.map((name) =>
    isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name)),
  );
  const certificate = build({
    subject,
    publicKey: pair.publicKey,
    issuer: issuer ?? { name: subject, key: pair.privateKey },
    extensions: [extension('2.5.29.17', sequence(...alternatives))],
    from,
    until,
  });
  return { certificate, key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function build(made: {
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly issuer: Issuer;
  readonly extensions: readonly Buffer[];
  readonly from?: Date | undefined;
  readonly until?: Date | undefined;
}): string {
  const ecdsaWithSha256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'));
  const from = made.from ?? new Date(Date.now() - day);
  const until = made.until ?? new Date(Date.now() + 30 * day);
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    made.issuer.name,
    sequence(time(from), time(until)),
    made.subject,
    made.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...made.extensions)),
  );
  const signature = sign('sha256', body, made.issuer.key);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const authorityConstraint = extension('2.5.29.19', sequence(der(0x01, Buffer.from([0xff]))));

function extension(identifier: string, value: Buffer): Buffer {
  return sequence(objectIdentifier(identifier), der(0x04, value));
}

function distinguishedName(organisation: string): Buffer {
  return sequence(der(0x31, sequence(objectIdentifier('2.5.4.10'), der(0x0c, Buffer.from(organisation)))));
}

function time(date: Date): Buffer {
  return der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const base128 = (value: number): number[] => {
    const bytes = [value & 0x7f];
    for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  };
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length =
    content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
