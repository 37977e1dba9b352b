import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { writePackage, type PackageOptions, type PackageReceipt } from '#core/exports/package.ts';
import {
  checkRecipients,
  encryptionFor,
  identitiesOf,
  makePassphrase,
  openSealed,
} from '#core/exports/seal/age.ts';
import { signedFiles } from '#core/exports/seal/packageSignature.ts';
import { makePrivateKey, signerOf } from '#core/signing/signature.ts';
import { openSigner } from '#core/signing/signingKey.ts';
import { verifyPackage, type PackageVerdict, type VerifyWork } from '#core/exports/verify.ts';
import { openFile } from '#core/exports/zipReader.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { memoryKeychain } from '#core/keychain/index.ts';
import { need } from '../../prerequisites.ts';
import { bigFile, collectionOf, fileOf, optionsOf } from './sources.ts';

const run = promisify(execFile);
const marker = 'a line nobody else may read';

let folder: string;

vi.setConfig({ testTimeout: 120_000 });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seal-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Three chunks of age and more, so that there is one in the middle. */
function made(more: Partial<PackageOptions>): Promise<PackageReceipt> {
  const picture = fileOf('a.png', Buffer.alloc(0), {
    open: () => Promise.resolve({ stream: bigFile(300_000), bytes: 300_000 }),
  });
  return writePackage(
    optionsOf(folder, {
      collections: [collectionOf('messages', [{ body: marker }, { body: 'नमस्ते' }])],
      files: [picture],
      ...more,
    }),
  );
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof ExpectedError) return error.code;
  throw new Error('It did not fail as expected.', { cause: error });
}

function kinds(verdict: PackageVerdict): readonly string[] {
  return [...new Set(verdict.faults.map(({ kind }) => kind))];
}

async function keygen(name: string): Promise<{ readonly file: string; readonly recipient: string }> {
  const file = join(folder, name);
  await run('age-keygen', ['-o', file]);
  const { stdout } = await run('age-keygen', ['-y', file]);
  return { file, recipient: stdout.trim() };
}

describe('an encrypted package', () => {
  test('is opened by age with each of its keys, and checked with them; not with another, nor without', async (context) => {
    need(context, 'age', 'unzip');
    const [one, two, other] = [await keygen('one'), await keygen('two'), await keygen('other')];
    const { file, sha256 } = await made({
      encryption: encryptionFor({ recipients: [one.recipient, two.recipient] }),
    });
    expect(file).toMatch(/\.zip\.age$/);
    expect((await readFile(file)).includes('messages.jsonl')).toBe(false);
    for (const [index, key] of [one, two].entries()) {
      const zip = join(folder, `${String(index)}.zip`);
      await run('age', ['-d', '-i', key.file, '-o', zip, file]);
      await run('unzip', ['-t', zip]);
      const verdict = await verifyPackage(file, { opener: { identities: await identitiesOf(key.file) } });
      expect(verdict).toMatchObject({ ok: true, faults: [], encrypted: true, sha256 });
    }
    const opener = { identities: await identitiesOf(other.file) };
    expect(await codeOf(verifyPackage(file, { opener }))).toBe('wrong_credentials');
    expect(await codeOf(verifyPackage(file))).toBe('invalid_input');
  });

  test('opens with its passphrase only, which has at least 128 bits', async () => {
    const passphrase = makePassphrase();
    expect(passphrase).toMatch(/^([a-hjkmnp-z2-9]{4}-){6}[a-hjkmnp-z2-9]{4}$/);
    expect(Math.log2(31) * 28).toBeGreaterThan(128);
    expect(new Set(Array.from({ length: 100 }, makePassphrase)).size).toBe(100);
    const { file } = await made({ encryption: encryptionFor({ passphrase }) });
    expect((await verifyPackage(file, { opener: { passphrase } })).ok).toBe(true);
    expect(await codeOf(verifyPackage(file, { opener: { passphrase: makePassphrase() } }))).toBe(
      'wrong_credentials',
    );
  });

  test('has no plaintext on the disk while it is made, in files of its owner only', async (context) => {
    need(context, 'age');
    const { recipient } = await keygen('one');
    const before = await readdir(folder);
    const seen: string[] = [];
    await made({
      encryption: encryptionFor({ recipients: [recipient] }),
      processing: async () => {
        for (const name of (await readdir(folder)).filter((each) => !before.includes(each))) {
          seen.push(name);
          expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
          const bytes = await readFile(join(folder, name));
          expect(bytes.includes('PK\x03\x04')).toBe(false);
          expect(bytes.includes('.jsonl')).toBe(false);
        }
        return {};
      },
    });
    expect(seen).toHaveLength(1);
  });

  test('changed in its header, in the middle, cut, or cut between two chunks: named', async (context) => {
    need(context, 'age');
    const { file: key, recipient } = await keygen('one');
    const { file } = await made({ encryption: encryptionFor({ recipients: [recipient] }) });
    const good = await readFile(file);
    const opener = { identities: await identitiesOf(key) };
    const after = async (bytes: Uint8Array): Promise<readonly string[]> => {
      await writeFile(file, bytes);
      return kinds(await verifyPackage(file, { opener }));
    };
    const end = good.indexOf('\n', good.indexOf('\n--- ') + 1) + 1;
    const flipped = (at: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return bytes;
    };
    expect(await after(good)).toEqual([]);
    const stanza = Buffer.from('-> another x\n\n');
    const first = good.indexOf('\n') + 1;
    expect(await after(Buffer.concat([good.subarray(0, first), stanza, good.subarray(first)]))).toEqual([
      'changed',
    ]);
    expect(await after(flipped(end + 16 + 2 * 65_552 + 5))).toContain('changed');
    expect(await after(good.subarray(0, good.byteLength - 1))).toEqual(['truncated']);
    expect(await after(good.subarray(0, end + 16 + 2 * 65_552))).toEqual(['truncated']);
    // The zip in it would be found cut as well; the encryption says so by itself.
    const sealed = await openSealed(await openFile(file), opener);
    const last = sealed.range(65_536, 2 * 65_536)[Symbol.asyncIterator]();
    await expect(last.next()).rejects.toMatchObject({ kind: 'truncated' });
    await sealed.close();
    expect(await after(Buffer.concat([good, Buffer.from([0])]))).toEqual(['truncated']);
  });

  test('of which the trail could not be told leaves no file; it is told before the name is there', async () => {
    const encryption = encryptionFor({ passphrase: makePassphrase() });
    await expect(
      made({
        encryption,
        register: async () => {
          expect((await readdir(folder)).every((name) => name.endsWith('.partial'))).toBe(true);
          throw new ExpectedError('unreachable', 'The trail is away.');
        },
      }),
    ).rejects.toThrow('The trail is away.');
    expect(await readdir(folder)).toEqual([]);
  });

  test('for what is no key, or for one key twice, is refused in a sentence', async (context) => {
    need(context, 'age');
    const { file: key, recipient } = await keygen('one');
    const other = (letter: string | undefined): string => (letter === 'q' ? 'p' : 'q');
    const malformed: Readonly<Record<string, string>> = {
      nothing: '',
      'its beginning': 'age1',
      'a letter too few': recipient.slice(0, -1),
      'a letter too many': `${recipient}q`,
      'a wrong checksum': `${recipient.slice(0, -1)}${other(recipient.at(-1))}`,
      'a letter changed': `${recipient.slice(0, 20)}${other(recipient[20])}${recipient.slice(21)}`,
      'another prefix': `agf1${recipient.slice(4)}`,
      'capital letters': recipient.toUpperCase(),
      'one capital letter': `${recipient.slice(0, -1)}${(recipient.at(-1) ?? '').toUpperCase()}X`,
      'a blank before it': ` ${recipient}`,
      'a line feed after it': `${recipient}\n`,
      'a mark that turns the writing': `\u202e${recipient}`,
      'letters that only look so': recipient.replace('a', '\u0430'),
      'a key of ssh': `ssh-ed25519 ${'A'.repeat(68)} somebody@example.org`,
      'a long key of ssh': `ssh-rsa ${'A'.repeat(700)}`,
      'a key of a plugin': `age1yubikey1${recipient.slice(4)}`,
    };
    for (const [what, each] of Object.entries(malformed)) {
      const refused = refusalOf([recipient, each]);
      expect(refused.code, what).toBe('invalid_input');
      expect(refused.message, what).toMatch(/^Recipient 2 is not an age key, [^.]+\.$/);
    }
    // A secret key that was pasted by mistake is told as such, and never told again.
    const secret = /AGE-SECRET-KEY-1\w+/.exec(await readFile(key, 'latin1'))?.[0] ?? '';
    expect(secret).toHaveLength(74);
    for (const each of [secret, secret.toLowerCase(), ` ${secret}`, `# ${secret}`, 'AGE-SECRET-KEY-1QQQ']) {
      const { message } = refusalOf([each]);
      expect(message).toMatch(/^Recipient 1 is a secret key, [^.]+\.$/);
      expect(message.toUpperCase()).not.toContain(secret.slice(20, 30));
    }
    expect(() => {
      checkRecipients([recipient, recipient]);
    }).toThrow(/named twice/);
  });
});

function refusalOf(recipients: readonly string[]): ExpectedError {
  try {
    checkRecipients(recipients);
  } catch (error) {
    if (error instanceof ExpectedError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

describe('a signed package', () => {
  const signer = signerOf(makePrivateKey());

  async function unpacked(file: string): Promise<string> {
    await run('unzip', ['-q', file, '-d', folder]);
    return join(folder, 'export-17');
  }

  /** Zips the folder anew, as who tampers would, and gives what the check says. */
  async function rezipped(work: VerifyWork = {}): Promise<PackageVerdict> {
    const file = join(folder, 'anew.zip');
    await rm(file, { force: true });
    await run('python3', ['-m', 'zipfile', '-c', file, 'export-17'], { cwd: folder });
    return await verifyPackage(file, work);
  }

  test('is believed by openssl and ssh-keygen; both refuse another tag manifest', async (context) => {
    need(context, 'openssl', 'unzip', 'sshKeygen');
    const { file } = await made({ signer });
    expect(await verifyPackage(file, { expectedSigner: signer.fingerprint })).toMatchObject({
      ok: true,
      signer: signer.fingerprint,
    });
    const cwd = await unpacked(file);
    const openssl = ['pkeyutl', '-verify', '-pubin', '-inkey', 'signer.pem', '-rawin'];
    const raw = [...openssl, '-in', 'tagmanifest-sha256.txt', '-sigfile', 'tagmanifest-sha256.txt.sig'];
    await run('openssl', raw, { cwd });
    const { stdout } = await run('ssh-keygen', ['-l', '-f', 'signer.pub'], { cwd });
    expect(stdout).toContain(signer.fingerprint);
    const ssh = `printf 'console %s' "$(cat signer.pub)" > ../allowed && ssh-keygen -Y verify -f ../allowed -I console -n privacy-console-package -s tagmanifest-sha256.txt.sshsig < tagmanifest-sha256.txt`;
    await run('sh', ['-c', ssh], { cwd });
    await writeFile(join(cwd, 'tagmanifest-sha256.txt'), `${'0'.repeat(64)}  bagit.txt\n`);
    await expect(run('openssl', raw, { cwd })).rejects.toThrow();
    await expect(run('sh', ['-c', ssh], { cwd })).rejects.toThrow();
  });

  test('with its signature stripped, a part of it gone, replaced, or over a changed tag manifest: named', async (context) => {
    need(context, 'unzip');
    const cwd = await unpacked((await made({ signer })).file);
    const tagManifest = await readFile(join(cwd, 'tagmanifest-sha256.txt'));
    const files = signedFiles(signer, tagManifest);
    const restore = async (): Promise<void> => {
      for (const [path, content] of files) await writeFile(join(cwd, path), content);
      await writeFile(join(cwd, 'tagmanifest-sha256.txt'), tagManifest);
    };
    expect((await rezipped()).faults).toEqual([]);

    for (const path of files.keys()) {
      await rm(join(cwd, path));
      expect(await rezipped()).toMatchObject({ faults: [{ kind: 'signature' }], signer: null });
      await restore();
    }
    for (const path of files.keys()) await rm(join(cwd, path));
    expect(await rezipped()).toMatchObject({ faults: [{ kind: 'signature' }], signer: null });
    await restore();

    const other = signerOf(makePrivateKey());
    const forgeries = [
      ...signedFiles(other, tagManifest),
      ...signedFiles(signer, Buffer.from('another')).entries(),
    ];
    for (const [path, content] of forgeries.filter(
      ([path, content]) => !files.get(path)?.every((byte, at) => byte === content[at]),
    )) {
      await writeFile(join(cwd, path), content);
      expect(await rezipped()).toMatchObject({ faults: [{ kind: 'signature' }], signer: null });
      await restore();
    }
    for (const [path, content] of signedFiles(other, tagManifest)) await writeFile(join(cwd, path), content);
    expect(await rezipped()).toMatchObject({
      faults: [{ kind: 'signature' }],
      signer: other.fingerprint,
    });
    await restore();

    const lines = tagManifest.toString('utf8').trimEnd().split('\n').reverse();
    await writeFile(join(cwd, 'tagmanifest-sha256.txt'), `${lines.join('\n')}\n`);
    expect(await rezipped()).toMatchObject({ faults: [{ kind: 'signature' }], signer: null });
  });

  test('made anew by somebody else is whole, but not by the signer who is asked for', async () => {
    const other = signerOf(makePrivateKey());
    const { file } = await made({ signer: other });
    expect(await verifyPackage(file)).toMatchObject({ ok: true, signer: other.fingerprint });
    const verdict = await verifyPackage(file, { expectedSigner: signer.fingerprint });
    expect(verdict).toMatchObject({ ok: false, faults: [{ kind: 'signature' }] });
    const bare = await made({ name: 'export-18' });
    expect(await verifyPackage(bare.file)).toMatchObject({ ok: true, signer: null });
    expect(kinds(await verifyPackage(bare.file, { expectedSigner: signer.fingerprint }))).toEqual([
      'signature',
    ]);
  });

  test('has a key of who makes it, which the keychain keeps; a retired one is replaced, of another login there is another', async () => {
    const keychain = memoryKeychain();
    const retired: string[] = [];
    const open = (login: string): Promise<string> =>
      openSigner(keychain.signingKey('a database', login), (publicKey) =>
        Promise.resolve(!retired.includes(Buffer.from(publicKey).toString('hex'))),
      ).then((each) => {
        last = Buffer.from(each.publicKey).toString('hex');
        return each.fingerprint;
      });
    let last = '';
    const fingerprint = await open('asha');
    expect(await open('asha')).toBe(fingerprint);
    await keychain.forget('any profile');
    expect(await open('asha')).toBe(fingerprint);
    retired.push(last);
    const next = await open('asha');
    expect(next).not.toBe(fingerprint);
    expect(await open('asha')).toBe(next);
    expect(await open('ravi')).not.toBe(next);
    await keychain.signingKey('a database', 'asha').set('damaged');
    expect(await codeOf(open('asha'))).toBe('wrong_credentials');
  });
});
