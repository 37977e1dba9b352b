export { mapChangeOperations } from './mapChange.ts';
export { install, installationOperations, type Installed } from './operations.ts';
