export { mapChangeOperations } from './mapChange.ts';
export type { ScratchServer } from './check.ts';
export { install, installationOperations, type Installed } from './operations.ts';
