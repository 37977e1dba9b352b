export { install, installationOperations, type Installed } from './operations.ts';
