import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Console } from '#core/console.ts';
import { documentText, readDocument, sha256Of } from '#core/erasure/certificate/document.ts';
import { makePrivateKey, publicForms, signerOf } from '#core/signing/signature.ts';
import type { CertificateVerdict } from '#shared/contract/erasure.ts';
import { expectDone, openDesk, type TestDesk } from '#tests/helpers/testDesk.ts';
import { need } from '../../prerequisites.ts';
import { anotherOperator, approve, findPerson, putObjects, requestFor, run } from './approvedPlan.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const execute = promisify(execFile);

let desk: TestDesk;
let operator: Console;
let plan: number;
let json: string;
let page: string;

beforeAll(async () => {
  desk = await openDesk({ withBucket: true });
  operator = await desk.signIn('operator');
  const victim = await requestFor(operator, await findPerson(desk));
  await putObjects(desk, victim, 1);
  ({ id: plan } = await approve(desk, operator, victim));
  expect(await run(operator, plan)).toMatchObject({
    state: 'done',
    result: { complete: true, signed: true },
  });
  json = path.join(desk.folder, 'certificate.json');
  page = path.join(desk.folder, 'certificate.html');
  for (const file of [json, page])
    await expectDone(operator, 'erasure.saveCertificate', { planId: plan, file });
});

afterAll(() => desk[Symbol.asyncDispose]());

/** What the check says of a file with this in it, on a console nobody is signed in to. */
async function verdictOn(content: string, signer?: string): Promise<CertificateVerdict> {
  const file = path.join(desk.folder, 'checked');
  await writeFile(file, content);
  const console = desk.console();
  try {
    return await expectDone(console, 'certificates.verify', {
      file,
      ...(signer === undefined ? {} : { signer }),
    });
  } finally {
    await rm(file);
    await console.close();
  }
}

function kinds({ faults }: CertificateVerdict): readonly string[] {
  return faults.map(({ kind }) => kind);
}

test('it is signed when the run has ended, and both files say the same, offline', async () => {
  const shown = await expectDone(operator, 'erasure.certificate', { planId: plan });
  expect(shown.signatures).toMatchObject([{ login: 'operator', right: true, retired: false }]);
  const fingerprint = shown.signatures[0]?.fingerprint ?? '';
  for (const file of [json, page]) {
    const verdict = await verdictOn(await readFile(file, 'utf8'), fingerprint);
    expect(verdict).toEqual({
      intact: true,
      sha256: shown.sha256,
      signers: [fingerprint],
      faults: [],
      says: shown.says,
    });
  }
  expect(shown.says.steps.find((step) => step.where === 'public.messages')?.title).toBe('Messages');
});

test('openssl and ssh-keygen believe it, and neither believes another text', async (context) => {
  need(context, 'openssl', 'sshKeygen');
  const { certificate, signatures } = JSON.parse(await readFile(json, 'utf8')) as {
    certificate: string;
    signatures: { publicKey: string; signature: string; sshSignature: string }[];
  };
  const [signed] = signatures;
  const { keys } = await expectDone(operator, 'keys.list', {});
  const at = (name: string): string => path.join(desk.folder, name);
  await writeFile(at('text'), certificate);
  await writeFile(at('key.pem'), signed?.publicKey ?? '');
  await writeFile(at('text.sig'), Buffer.from(signed?.signature ?? '', 'base64'));
  await writeFile(at('text.sshsig'), signed?.sshSignature ?? '');
  await writeFile(at('allowed'), keys.find((key) => key.pem === signed?.publicKey)?.allowedSigner ?? '');
  const openssl = (): Promise<unknown> =>
    execute('openssl', [
      'pkeyutl',
      '-verify',
      '-rawin',
      '-pubin',
      '-inkey',
      at('key.pem'),
      '-sigfile',
      at('text.sig'),
      '-in',
      at('text'),
    ]);
  const ssh = (): Promise<unknown> =>
    execute(
      'sh',
      [
        '-c',
        'ssh-keygen -Y verify -f allowed -I console -n privacy-console-certificate -s text.sshsig < text',
      ],
      {
        cwd: desk.folder,
      },
    );
  await openssl();
  await ssh();
  await writeFile(at('text'), `${certificate} `);
  await expect(openssl()).rejects.toThrow();
  await expect(ssh()).rejects.toThrow();
});

describe('what was done to a certificate is named', () => {
  const edited = async (
    change: (document: NonNullable<ReturnType<typeof readDocument>>) => Parameters<typeof documentText>[0],
  ): Promise<string> => {
    const document = readDocument(await readFile(json, 'utf8'));
    if (document === null) throw new Error('no certificate');
    return documentText(change(document));
  };

  test('a number changed in its text, with the SHA-256 left and with it made anew', async () => {
    const whole = await readFile(json, 'utf8');
    const changed = whole.replace(/\\"request\\":\d+/, '\\"request\\":4711');
    expect(changed).not.toBe(whole);
    expect(kinds(await verdictOn(changed))).toEqual(['changed', 'signature']);
    const anew = await edited(({ text, signatures }) => ({
      text: text.replace(/"request":\d+/, '"request":4711'),
      signatures,
    }));
    expect(await verdictOn(anew)).toMatchObject({
      intact: false,
      signers: [],
      faults: [{ kind: 'signature' }],
    });
  });

  test('its signature taken away, from another text, or of somebody else', async () => {
    expect(kinds(await verdictOn(await edited(({ text }) => ({ text, signatures: [] }))))).toEqual([
      'signature',
    ]);
    const other = signerOf(makePrivateKey());
    const by = (text: string, purpose: 'certificate' | 'package' = 'certificate') => ({
      publicKey: other.publicKey,
      ...other.sign(Buffer.from(text), purpose),
    });
    expect(
      kinds(
        await verdictOn(
          await edited(({ text, signatures }) => ({ text, signatures: [...signatures, by('x')] })),
        ),
      ),
    ).toEqual(['signature']);
    // Made for a package, it is none of a certificate.
    expect(
      kinds(await verdictOn(await edited(({ text }) => ({ text, signatures: [by(text, 'package')] })))),
    ).toEqual(['signature']);
    const theirs = await edited(({ text }) => ({ text, signatures: [by(text)] }));
    expect(await verdictOn(theirs)).toMatchObject({ intact: true, signers: [other.fingerprint] });
    const expected = (await expectDone(operator, 'keys.list', {})).keys[0]?.fingerprint ?? '';
    expect(kinds(await verdictOn(theirs, expected))).toEqual(['signature']);
    const line = path.join(desk.folder, 'theirs.pub');
    await writeFile(line, publicForms(other.publicKey, ['certificate']).ssh);
    expect(await verdictOn(theirs, line)).toMatchObject({ intact: true });
  });

  test('what the page shows, though the signed text in it is whole', async () => {
    const whole = await readFile(page, 'utf8');
    for (const forged of [
      whole.replace('<dd>operator</dd>', '<dd>somebody</dd>'),
      whole.replace('</body>', '<p>Nothing was kept.</p></body>'),
      whole.replace("default-src 'none'", 'default-src *'),
    ]) {
      expect(forged).not.toBe(whole);
      expect(kinds(await verdictOn(forged))).toEqual(['page']);
    }
  });

  test('a file that is none, a part of one, and one with more in it', async () => {
    const whole = await readFile(json, 'utf8');
    for (const none of ['', '{}', whole.slice(0, -40), whole.replace('{', '{ "more": 1,')])
      expect(await verdictOn(none)).toMatchObject({
        intact: false,
        says: null,
        faults: [{ kind: 'unreadable' }],
      });
    const empty = await edited(({ signatures }) => ({ text: '{"certificate":1}', signatures }));
    expect(kinds(await verdictOn(empty))).toEqual(['signature', 'unreadable']);
    expect(await operator.dispatch('certificates.verify', { file: desk.folder })).toMatchObject({
      ok: false,
      failure: { code: 'not_found' },
    });
  });
});

test('a second operator signs too, nobody twice, and a signature that is none shows in red', async () => {
  expect(await operator.dispatch('erasure.signCertificate', { planId: plan })).toMatchObject({
    ok: false,
    failure: { code: 'conflict', message: 'You have signed this certificate already.' },
  });
  const console = await (await anotherOperator(desk)).signIn();
  try {
    await expectDone(console, 'erasure.signCertificate', { planId: plan });
    const { signatures, text } = await expectDone(console, 'erasure.certificate', { planId: plan });
    expect(signatures.map(({ right }) => right)).toEqual([true, true]);
    expect(sha256Of(text)).toBe((await verdictOn(await readFile(json, 'utf8'))).sha256);
    await desk.superuser(({ query }) =>
      query(
        `update privacy_console.certificate_signature set raw = sha256(raw) || sha256(raw) where plan = $1`,
        [plan],
      ),
    );
    const after = await expectDone(console, 'erasure.certificate', { planId: plan });
    expect(after.signatures.map(({ right }) => right)).toEqual([false, false]);
  } finally {
    await console.close();
  }
});
