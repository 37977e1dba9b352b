// Does what TEST_STEPS says with the keychain of the operating system, as a process of its own: only so can a test give
// it a session bus, and a keyring, that are not the person's.
import { osKeychain } from '#core/keychain/index.ts';
import type { KeychainAnswer, KeychainStep } from './secretService.ts';

const keychain = osKeychain();

async function take(step: KeychainStep): Promise<unknown> {
  switch (step.do) {
    case 'probe':
      return keychain.probe();
    case 'forget':
      return keychain.forget(step.profile);
    case 'get password':
      return keychain.databasePassword(step.profile).get();
    case 'set password':
      return keychain.databasePassword(step.profile).set(step.secret);
    case 'delete password':
      return keychain.databasePassword(step.profile).delete();
    case 'get keys':
      return keychain.objectStoreKeys(step.profile, step.use).get();
    case 'set keys':
      return keychain.objectStoreKeys(step.profile, step.use).set(step.keys);
  }
}

const answers: KeychainAnswer[] = [];
for (const step of JSON.parse(process.env['TEST_STEPS'] ?? '[]') as KeychainStep[]) {
  try {
    answers.push({ value: (await take(step)) ?? null });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'bug';
    answers.push({ code, message: String(error), whole: error instanceof Error ? String(error.stack) : '' });
  }
}
process.stdout.write(JSON.stringify(answers));
