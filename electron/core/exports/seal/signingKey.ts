import type { Keychain } from '../../keychain/index.ts';
import { ExpectedError } from '../../kernel/errors.ts';
import { makePrivateKey, signerOf, type Signer } from './signature.ts';

/**
 * The key this workstation signs packages with; made on first use, kept in the
 * keychain and nowhere else. Throws `no_keychain`, and `wrong_credentials` when what
 * the keychain holds is no key.
 */
export async function openSigner(keychain: Keychain): Promise<Signer> {
  const entry = keychain.signingKey();
  const kept = await entry.get();
  const privateKey = kept ?? makePrivateKey();
  if (kept === null) await entry.set(privateKey);
  try {
    return signerOf(privateKey);
  } catch {
    // Neither a parser's message nor a cause may carry the key on.
    throw new ExpectedError(
      'wrong_credentials',
      'The key this computer signs packages with is damaged in the keychain; remove the entry “package-signing-key” there, and a new one is made.',
    );
  }
}
