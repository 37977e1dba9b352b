export { restrictionOperations } from './operations.ts';
