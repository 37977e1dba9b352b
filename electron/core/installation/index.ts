export { mapChangeOperations } from './mapChange.ts';
export { tellBeginnings } from './beginnings.ts';
export type { ScratchServer } from './check.ts';
export { install, installationOperations, type Installed } from './operations.ts';
