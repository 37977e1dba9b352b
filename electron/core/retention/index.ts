export { retentionOperations } from './operations.ts';
