import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { beginning, chainAfter, leafOf } from '#core/audit/chain.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { fingerprintOf, isSignature, keyOfPem, publicForms, type Signer } from '#core/signing/index.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);

const headerShape = z.strictObject({
  format: z.literal('privacy-console-ledger'),
  /** Whose keyed hashes these are: of which installation, made with which secret (told by a hash of its own). */
  installation: z.uuid(),
  secret: hash,
  version: z.literal(1),
});

const lineShape = z.strictObject({
  at: z.iso.datetime(),
  certificate: hash.nullable(),
  hashes: z.array(hash).max(1_000),
  key: hash,
  kind: z.string().regex(/^[a-z][a-z0-9_]{0,14}$/),
  plan: hash,
  run: z.int().positive(),
  state: z.enum(['done', 'partial']),
  subject: z.string().regex(/^S-[0-9A-F]{12}$/),
});

const endShape = z.strictObject({
  /** What all lines before lead to, as the trail's entries do. */
  chain: hash,
  count: z.int().nonnegative(),
  /** The trail's entry under which it was saved. */
  head: z.strictObject({ chain: hash, number: z.int().positive() }),
  savedAt: z.iso.datetime(),
});

const sealShape = z.strictObject({
  end: z.string().max(2_000),
  publicKey: z.string().max(1_000),
  signature: z.string().max(200),
  sshSignature: z.string().max(2_000),
});

/** A line has some 500 bytes, and one for each address the person had. */
const longestLine = 100_000;

/** A ledger of deletions as its file has it, checked against its own signature. */
export interface CheckedLedger {
  /** The exact text of its first line, and of what is signed. */
  readonly header: string;
  readonly end: string;
  readonly installation: string;
  readonly secret: string;
  readonly count: number;
  readonly chain: string;
  /** Of the whole file. */
  readonly sha256: string;
  /** Fingerprint of the key; whose it is, the registry says. */
  readonly signer: string;
}

/** What tells a line from others: a deletion has one when it has begun, and one when it has ended. */
export function nameOf(line: string): string {
  const { plan, state } = parsed(lineShape, line);
  return `${plan} ${state}`;
}

/** Follows the lines of a ledger: the first is the header. */
export function follower(): { add(line: string): void; readonly chain: string; readonly count: number } {
  let chain = beginning.chain;
  let lines = 0;
  return {
    add(line) {
      chain = chainAfter(chain, leafOf(Buffer.from(line, 'utf8')));
      lines += 1;
    },
    get chain() {
      return chain;
    },
    get count() {
      return Math.max(0, lines - 1);
    },
  };
}

export function headerLine(installation: string, secret: string): string {
  return JSON.stringify({ format: 'privacy-console-ledger', installation, secret, version: 1 });
}

/** The last line: what all before lead to, signed. */
export function sealLine(
  { chain, count }: { readonly chain: string; readonly count: number },
  head: z.output<typeof endShape>['head'],
  savedAt: string,
  signer: Signer,
): string {
  const end = JSON.stringify({
    chain,
    count,
    head: { chain: head.chain, number: head.number },
    savedAt,
  } satisfies z.output<typeof endShape>);
  const { raw, ssh } = signer.sign(Buffer.from(end, 'utf8'), 'ledger');
  return JSON.stringify({
    end,
    publicKey: publicForms(signer.publicKey).pem,
    signature: Buffer.from(raw).toString('base64'),
    sshSignature: ssh,
  } satisfies z.output<typeof sealShape>);
}

/**
 * Goes through the file once, a line at a time: its form, that its lines are those that were signed, and by which key.
 * @throws ExpectedError `not_found`, `invalid_input` where it is no ledger, `refused` where it was changed
 */
export async function checkLedger(file: string, signal: AbortSignal): Promise<CheckedLedger> {
  const followed = follower();
  const whole = createHash('sha256');
  let header: string | null = null;
  let last: string | null = null;
  for await (const line of linesOf(file, signal)) {
    whole.update(`${line}\n`);
    if (last !== null) {
      if (header === null) header = last;
      else parsed(lineShape, last);
      followed.add(last);
    }
    last = line;
  }
  if (header === null || last === null) throw noLedger();
  const { installation, secret } = parsed(headerShape, header);
  const seal = parsed(sealShape, last);
  const { chain, count } = parsed(endShape, seal.end);
  const publicKey = keyOfPem(seal.publicKey);
  const signature = { raw: Buffer.from(seal.signature, 'base64'), ssh: seal.sshSignature };
  if (publicKey === null || !isSignature(Buffer.from(seal.end, 'utf8'), 'ledger', signature, publicKey))
    throw new ExpectedError(
      'refused',
      'The signature of the ledger is not one of what it says; use another copy of it.',
    );
  if (chain !== followed.chain || count !== followed.count)
    throw new ExpectedError(
      'refused',
      'The lines of the ledger are not those that were signed: some were added, left out, changed or moved. Use another copy of it.',
    );
  return {
    header,
    end: seal.end,
    installation,
    secret,
    count,
    chain,
    sha256: whole.digest('hex'),
    signer: fingerprintOf(publicKey),
  };
}

/** The lines of a ledger between header and seal. */
export async function* entriesOf(file: string, signal: AbortSignal): AsyncGenerator<string> {
  let place = 0;
  let last: string | null = null;
  for await (const line of linesOf(file, signal)) {
    if (last !== null && place > 1) yield last;
    last = line;
    place += 1;
  }
}

async function* linesOf(file: string, signal: AbortSignal): AsyncGenerator<string> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true)
    throw new ExpectedError('not_found', 'There is no such file, or it can’t be read; choose another.');
  let rest = '';
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const decode = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch {
      throw noLedger();
    }
  };
  for await (const chunk of createReadStream(file, { signal })) {
    rest += decode(chunk as Uint8Array);
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.slice(0, end);
      rest = rest.slice(end + 1);
    }
    if (rest.length > longestLine) throw noLedger();
  }
  if (rest + decode() !== '') throw noLedger();
}

function parsed<Shape extends z.ZodType>(shape: Shape, line: string): z.output<Shape> {
  try {
    return shape.parse(JSON.parse(line));
  } catch {
    throw noLedger();
  }
}

function noLedger(): ExpectedError {
  return new ExpectedError(
    'invalid_input',
    'This file is no ledger of deletions, or has lost a part of itself; use another copy of it.',
  );
}
