import { readFile, stat } from 'node:fs/promises';
import { ExpectedError } from '#core/kernel/errors.ts';
import type { CertificateVerdict } from '#shared/contract/erasure.ts';
import { readDocument, sha256Of, signerIn } from './document.ts';
import { certificatePage, documentIn, isPage } from './page.ts';
import { readCertificate } from './read.ts';

/** A certificate has some 10 kB. */
const mostBytes = 20_000_000;

/**
 * Checks a certificate that lies on this computer; needs no database, no network and nobody who is signed in.
 * @param expectedSigner fingerprint, when somebody's signature is asked for
 * @throws ExpectedError `not_found` where there is no such file, `invalid_input` when it is far too large
 */
export async function verifyCertificate(
  file: string,
  expectedSigner: string | undefined,
): Promise<CertificateVerdict> {
  const content = await contentOf(file);
  const document = readDocument(documentIn(content));
  const faults: CertificateVerdict['faults'] = [];
  const fault = (kind: CertificateVerdict['faults'][number]['kind'], says: string): void => {
    faults.push({ kind, says });
  };
  if (document === null) {
    fault('unreadable', 'This file is no certificate of this program, or has lost a part of itself.');
    return { intact: false, sha256: null, signers: [], faults, says: null };
  }
  const { text, signatures, broken } = document;
  const sha256 = sha256Of(text);
  if (document.sha256 !== sha256)
    fault('changed', 'Its text is not the one whose SHA-256 it names; it has been changed.');
  const signers = signatures.flatMap((each) => signerIn(text, each) ?? []);
  const wrong = signatures.length - signers.length + broken;
  if (wrong > 0)
    fault(
      'signature',
      wrong === 1
        ? 'A signature is not one of this text; text or signature has been changed.'
        : `${String(wrong)} signatures are not of this text; text or signatures have been changed.`,
    );
  if (signers.length === 0 && wrong === 0)
    fault('signature', 'Nobody has signed it, so nothing shows where it comes from.');
  if (expectedSigner !== undefined && !signers.includes(expectedSigner))
    fault('signature', 'It is not signed by the key that is asked for.');
  const says = readable(text);
  if (says === null) fault('unreadable', 'Its text does not say what a certificate says.');
  else if (isPage(content) && content !== certificatePage(document, says))
    fault(
      'page',
      'What the page shows is not what this program makes of the signed text; go by what is shown here.',
    );
  return { intact: faults.length === 0, sha256, signers, faults, says };
}

async function contentOf(file: string): Promise<string> {
  const size = await stat(file).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
  if (size === null)
    throw new ExpectedError('not_found', 'There is no such file, or it can’t be read; choose another.');
  if (size > mostBytes)
    throw new ExpectedError('invalid_input', 'This file is far too large for a certificate; choose another.');
  return readFile(file, 'utf8');
}

function readable(text: string): CertificateVerdict['says'] {
  try {
    return readCertificate(text);
  } catch {
    return null;
  }
}
