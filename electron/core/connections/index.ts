export {
  connectionSteps,
  testConnection,
  type ConnectionChecks,
  type ConnectionStep,
  type ConnectionStepName,
  type ConnectionTestInput,
} from './connectionTest.ts';
export {
  demoRoleOf,
  demoRoles,
  demoSecretsFile,
  demoSecretsShape,
  readDemoProfile,
  type DemoProfile,
  type DemoRole,
  type DemoSecrets,
  type ReadDemoSecrets,
} from './demoProfiles.ts';
export {
  listProfiles,
  readCertificateFile,
  readProfile,
  removeProfile,
  saveProfile,
  type ProfileList,
} from './profiles.ts';
export { databaseTarget, environments, ownProfileName, parseProfile, profileShape } from './rules.ts';
export type { Environment, Profile } from './rules.ts';
export { readVerifiedHead, rememberVerifiedHead, type VerifiedHead } from './verifiedHead.ts';
export type { LocalCopies, LocalCopy } from './localCopies.ts';
export { connectionOperations, type ConnectionOptions } from './operations.ts';
export {
  createSessions,
  databaseTargetOf,
  schemaState,
  type Desk,
  type Places,
  type ReadyProfile,
  type Sessions,
} from './session.ts';
