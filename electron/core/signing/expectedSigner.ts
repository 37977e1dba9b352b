import { readFile } from 'node:fs/promises';
import { ExpectedError } from '#core/kernel/errors.ts';
import { fingerprintOf, keyOfLine } from './signature.ts';

/**
 * The fingerprint of a signer somebody expects.
 * @param signer `SHA256:…`, or a file with the public key as SSH writes it
 * @throws ExpectedError `not_found`, `invalid_input`
 */
export async function fingerprintGiven(signer: string): Promise<string> {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(signer)) return signer;
  const line = await readFile(signer, 'latin1').catch(() => {
    throw new ExpectedError(
      'not_found',
      'The signer is neither a fingerprint (SHA256:…) nor a file that can be read; give one of them.',
    );
  });
  const rawKey = keyOfLine(line);
  if (rawKey !== null) return fingerprintOf(rawKey);
  throw new ExpectedError(
    'invalid_input',
    'The file of the signer holds no Ed25519 key in one line ssh-ed25519 …; give the signer.pub handed over when the key was made.',
  );
}
