import type { KeychainEntry } from '#core/keychain/index.ts';
import { ExpectedError } from '#core/kernel/errors.ts';
import { makePrivateKey, signerOf, type Signer } from './signature.ts';

/**
 * The key a member of staff signs with on this computer; made on first
 * use, kept in the keychain and nowhere else. `register` tells the database of
 * its public key and answers whether it may sign: one that was retired is
 * replaced by a new one. Throws `no_keychain`, `wrong_credentials` when what the
 * keychain holds is no key, and what `register` throws.
 */
export async function openSigner(
  entry: KeychainEntry<string>,
  register: (publicKey: Uint8Array) => Promise<boolean>,
): Promise<Signer> {
  const kept = await entry.get();
  if (kept !== null) {
    const signer = signerFrom(kept);
    if (await register(signer.publicKey)) return signer;
  }
  const made = makePrivateKey();
  await entry.set(made);
  const signer = signerOf(made);
  if (!(await register(signer.publicKey))) throw new Error('a key that was just made is retired');
  return signer;
}

function signerFrom(privateKey: string): Signer {
  try {
    return signerOf(privateKey);
  } catch {
    // Neither a parser's message nor a cause may carry the key on.
    throw new ExpectedError(
      'wrong_credentials',
      'Your key for signing packages is damaged in this computer’s keychain; remove the entry that begins with “/package-signing-key” there, and a new one is made.',
    );
  }
}
