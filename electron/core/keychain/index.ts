export type { Keychain, KeychainEntry, ObjectStoreKeys, ObjectStoreUse } from './keychain.ts';
export { memoryKeychain } from './memoryKeychain.ts';
export { osKeychain } from './osKeychain.ts';
